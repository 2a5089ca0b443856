//! One schedule out of many as a scenario of its own.

use serde_json::{Map, Value, json};

use super::ScenarioName;

/// The text of a scenario with another name and with these choices for its schedule.
///
/// # Errors
/// The text is no JSON object.
pub fn with_choices(text: &str, name: &ScenarioName, choices: &[usize]) -> Result<String, serde_json::Error> {
    let mut document: Map<String, Value> = serde_json::from_str(text)?;
    // The schema's place is told relative to the file's, which is another one now.
    document.shift_remove("$schema");
    document.insert("name".to_owned(), json!(name.as_str()));
    document.insert("schedule".to_owned(), json!({ "choices": choices }));
    Ok(format!("{:#}\n", Value::Object(document)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Scenario, Schedule};

    #[test]
    fn what_comes_out_is_a_scenario_with_these_choices() {
        let text = r#"{ "$schema": "schema.json", "name": "all", "description": "d",
            "schedule": { "explore": { "points": 3 } },
            "steps": [{ "in": "a", "do": "sched_yield" }] }"#;
        let name = ScenarioName::try_from("one".to_owned()).unwrap();
        let one = with_choices(text, &name, &[0, 2]).unwrap();
        let scenario = Scenario::parse("one.json", &one, &[]).unwrap();
        assert_eq!(scenario.schedule, Some(Schedule::Choices(vec![0, 2])));
        assert_eq!(scenario.steps.len(), 1);
    }
}
