//! Points, in hundredths: sums are exact, and the same in every order.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize, Serializer};

/// Most points of anything.
const MOST: f64 = 1_000_000.0;

/// Points of a grade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "f64")]
pub struct Points {
    hundredths: u32,
}

/// A number that cannot be points.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "{found} is no number of points: expected one from 0 to {MOST} with at most two digits after the point"
)]
pub struct PointsError {
    /// The number.
    found: f64,
}

impl Points {
    /// One point.
    pub(crate) const ONE: Points = Points { hundredths: 100 };

    /// The greatest part that all of these are multiples of; None when all are nothing.
    pub(crate) fn common_part(points: impl Iterator<Item = Points>) -> Option<Points> {
        let divisor = |mut one: u32, mut other: u32| {
            while other > 0 {
                (one, other) = (other, one % other);
            }
            one
        };
        let hundredths = points.map(|points| points.hundredths).fold(0, divisor);
        (hundredths > 0).then_some(Points { hundredths })
    }

    /// How many times `part` is in them.
    pub(crate) fn times(self, part: Points) -> u32 {
        self.hundredths / part.hundredths.max(1)
    }

    /// A share of them, such as two of three checks, rounded down to a hundredth.
    #[must_use]
    pub fn share(self, parts: u32, of: u32) -> Points {
        let share = u64::from(self.hundredths) * u64::from(parts) / u64::from(of.max(1));
        Points {
            hundredths: u32::try_from(share)
                .unwrap_or(self.hundredths)
                .min(self.hundredths),
        }
    }

    /// A part for each weight. The parts add up to the whole: what rounding leaves goes to those that lost most by it.
    pub(crate) fn split(self, weights: &[u32]) -> Vec<Points> {
        let sum: u64 = weights.iter().copied().map(u64::from).sum();
        let exact = |weight: u32| u64::from(self.hundredths) * u64::from(weight);
        let mut parts: Vec<u64> = weights.iter().map(|weight| exact(*weight) / sum.max(1)).collect();
        let mut by_loss: Vec<usize> = (0..weights.len()).collect();
        by_loss.sort_by_key(|index| std::cmp::Reverse(exact(weights[*index]) % sum.max(1)));
        let left = u64::from(self.hundredths) - parts.iter().sum::<u64>();
        for (index, _) in by_loss.iter().zip(0..left) {
            parts[*index] += 1;
        }
        let parts = parts.into_iter().map(|hundredths| Points {
            hundredths: u32::try_from(hundredths).unwrap_or(self.hundredths),
        });
        parts.collect()
    }

    /// As a number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }
}

impl TryFrom<f64> for Points {
    type Error = PointsError;

    fn try_from(found: f64) -> Result<Points, PointsError> {
        let hundredths = found * 100.0;
        let is_whole = (hundredths - hundredths.round()).abs() < 1e-6;
        if !(0.0..=MOST).contains(&found) || !is_whole {
            return Err(PointsError { found });
        }
        Ok(Points {
            hundredths: hundredths.round() as u32,
        })
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.hundredths.is_multiple_of(100) {
            serializer.serialize_u32(self.hundredths / 100)
        } else {
            serializer.serialize_f64(self.as_f64())
        }
    }
}

impl schemars::JsonSchema for Points {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Points".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": MOST, "multipleOf": 0.01 })
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Points>>(points: I) -> Points {
        Points {
            hundredths: points
                .map(|points| points.hundredths)
                .fold(0, u32::saturating_add),
        }
    }
}

impl fmt::Display for Points {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.as_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        let tenth = Points::try_from(0.1).unwrap();
        let sum: Points = std::iter::repeat_n(tenth, 30).sum();
        assert_eq!(sum, Points::try_from(3.0).unwrap());
        assert_eq!(sum.to_string(), "3");
        assert_eq!(serde_json::to_string(&[tenth, sum]).unwrap(), "[0.1,3]");
    }

    #[test]
    fn a_share_is_never_more_than_the_whole() {
        let points = Points::try_from(10.0).unwrap();
        assert_eq!(points.share(2, 3).to_string(), "6.66");
        assert_eq!(points.share(3, 3), points);
        assert_eq!(points.share(5, 3), points);
    }

    #[test]
    fn parts_by_weight_add_up_to_the_whole() {
        let total = Points::try_from(100.0).unwrap();
        let parts = total.split(&[1, 1, 1]);
        assert_eq!(
            parts.iter().map(Points::to_string).collect::<Vec<_>>(),
            ["33.34", "33.33", "33.33"]
        );
        assert_eq!(total.split(&[1, 3])[1].to_string(), "75");
        let sum: Points = total.split(&[7, 11, 13, 17, 1_000_000]).into_iter().sum();
        assert_eq!(sum, total);
    }

    #[test]
    fn what_is_no_number_of_points_is_refused() {
        for found in [-1.0, 0.001, f64::NAN, f64::INFINITY, 1e7] {
            assert!(Points::try_from(found).is_err(), "{found}");
        }
    }
}
