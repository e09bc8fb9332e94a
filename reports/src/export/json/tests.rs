//! The JSON form against its schema.

use hprof::model::LineCost;
use serde_json::Value;

use super::*;
use crate::fixture;

fn export(profile: &Profile, costs: &[FunctionCost]) -> String {
    let mut out = Vec::new();
    let thin = thin_rows(profile, Scope::All);
    write_costs(
        profile,
        costs,
        thin,
        (Json::default(), Scope::All),
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../docs/export.schema.json")).unwrap()
}

/// Checks a value against the part of JSON Schema that ours uses; every property must be listed and required.
fn check(value: &Value, schema: &Value, path: &str) {
    if let Some(constant) = schema.get("const") {
        assert_eq!(value, constant, "{path}");
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        assert!(
            allowed.contains(value),
            "{path}: {value} is none of {allowed:?}"
        );
    }
    if let Some(types) = schema.get("type") {
        let types: Vec<&str> = match types {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        assert!(
            types.contains(&type_of(value)),
            "{path}: {value} is none of {types:?}"
        );
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (at, value) in values.iter().enumerate() {
            check(value, items, &format!("{path}[{at}]"));
        }
    }
    if let (Some(properties), Some(fields)) = (
        schema.get("properties").and_then(Value::as_object),
        value.as_object(),
    ) {
        let required = schema["required"].as_array().unwrap();
        for name in required {
            assert!(
                fields.contains_key(name.as_str().unwrap()),
                "{path} lacks {name}"
            );
        }
        for (name, value) in fields {
            let schema = properties
                .get(name)
                .unwrap_or_else(|| panic!("{path}.{name} is not in the schema"));
            assert!(
                required.contains(&Value::from(name.as_str())),
                "{path}.{name} is not required"
            );
            check(value, schema, &format!("{path}.{name}"));
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn fixed_profile() {
    insta::assert_snapshot!(export(&fixture::diffusion(), &fixture::diffusion_costs()));
}

#[test]
fn every_profile_keeps_to_the_schema() {
    let odd = LineCost {
        hits: u64::MAX,
        samples: 1,
        variance: u128::MAX,
        ..LineCost::default()
    };
    let (odd, costs) = fixture::single("quote \" and \\ and \u{1b}", "größe\t日本", &[(1, odd)]);
    let profiles = [
        (fixture::diffusion(), fixture::diffusion_costs()),
        (fixture::killed(), fixture::diffusion_costs()),
        (fixture::not_measured(), fixture::diffusion_costs()),
        (fixture::thin(), fixture::diffusion_costs()),
        (odd, costs),
        (Profile::default(), Vec::new()),
    ];
    for (profile, costs) in profiles {
        let value: Value = serde_json::from_str(&export(&profile, &costs)).unwrap();
        check(&value, &schema(), "$");
    }
}

#[test]
#[should_panic(expected = "is not in the schema")]
fn a_field_that_the_schema_lacks_is_found() {
    let mut value: Value = serde_json::from_str(&export(&Profile::default(), &[])).unwrap();
    value["run"]["new_field"] = Value::Null;
    check(&value, &schema(), "$");
}

#[test]
fn what_is_left_out_is_counted() {
    let profile = fixture::diffusion();
    let export = |json: Json| {
        let (mut out, costs) = (Vec::new(), fixture::diffusion_costs());
        write_costs(&profile, &costs, Vec::new(), (json, Scope::All), &mut out).unwrap();
        let value: Value = serde_json::from_slice(&out).unwrap();
        check(&value, &schema(), "$");
        value
    };
    let functions = |value: &Value| value["functions"].as_array().unwrap().clone();
    let lines = |value: &Value| -> u64 {
        let lines = functions(value);
        let lines = lines
            .iter()
            .map(|one| one["lines"].as_array().unwrap().len());
        lines.sum::<usize>() as u64
    };
    let all = export(Json::default());
    assert_eq!(all["left_out"]["functions"], 0);
    assert_eq!(all["left_out"]["lines"], 0);
    let top = export(Json {
        top: Some(1),
        ..Json::default()
    });
    let longest = functions(&all)
        .into_iter()
        .max_by_key(|one| one["total_ns"].as_u64());
    assert_eq!(functions(&top), [longest.unwrap()]);
    assert_eq!(top["left_out"]["functions"], functions(&all).len() - 1);
    let hot = export(Json {
        min_percent: Some(5.0),
        ..Json::default()
    });
    assert!(lines(&hot) > 0 && lines(&hot) < lines(&all));
    assert_eq!(
        hot["left_out"]["lines"].as_u64().unwrap(),
        lines(&all) - lines(&hot)
    );
}
