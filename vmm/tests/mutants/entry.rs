//! An entry of the list: a fault, and what must be said of it.

use vmm::finding::Finding;
use vmm::rule::Rule;

/// A fault, a scenario that shows it, and what the judge must say: the rule that is broken, and where, and which clause of a
/// specification that speaks against.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) scenario: &'static str,
    pub(crate) rule: Rule,
    pub(crate) place: &'static str,
    pub(crate) clause: Option<&'static str>,
}

pub(crate) const fn mutant(
    name: &'static str,
    scenario: &'static str,
    rule: Rule,
    place: &'static str,
) -> Mutant {
    Mutant {
        name,
        scenario,
        rule,
        place,
        clause: None,
    }
}

/// A fault of the shadow page table.
pub(crate) const fn shadow(
    name: &'static str,
    scenario: &'static str,
    place: &'static str,
    clause: &'static str,
) -> Mutant {
    mutant(name, scenario, Rule::ShadowTable, place).naming(clause)
}

impl Mutant {
    /// The finding must name this clause, too.
    pub(crate) const fn naming(self, clause: &'static str) -> Mutant {
        Mutant {
            clause: Some(clause),
            ..self
        }
    }

    pub(crate) fn is_told_by(&self, finding: &Finding) -> bool {
        let names = |id: &str| finding.clauses.iter().any(|clause| clause.id.to_string() == id);
        finding.rule == self.rule && finding.place.contains(self.place) && self.clause.is_none_or(names)
    }
}
