//! The JSON Schema (draft 2020-12) of a pack, so that editors complete its settings and values.
//!
//! Made from the tables that the loader reads by. It says what editors can use; what a query means, and whether names
//! exist, only `birddog check` can tell.

use serde_json::{Map, Value, json};

use super::keys::{FILE_KEYS, Key, Shape};
use crate::rules::operators::FIELDS;
use crate::rules::query::parse::QUERY_CHARS_MAX;

/// The schema, as it stands in `rules/pack.schema.json`.
#[must_use]
pub fn pack_schema() -> Value {
    let mut schema = table(&FILE_KEYS);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "birddog pack".into();
    schema["description"] =
        "Rules of one brand. Begin the file with `#:schema ./pack.schema.json`; rules/README.md explains it."
            .into();
    schema
}

fn table(keys: &[Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut schema = shape(&key.shape);
    schema["description"] = match key.shape {
        Shape::Query => format!("{} {}", key.meaning, operators()).into(),
        _ => key.meaning.into(),
    };
    if let Some(example) = example(key) {
        schema["examples"] = json!([example]);
    }
    schema
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Name => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,64}$" }),
        Shape::Text => json!({ "type": "string", "pattern": "\\S" }),
        Shape::AnyText => json!({ "type": "string" }),
        Shape::Query => json!({ "type": "string", "pattern": "\\S", "maxLength": QUERY_CHARS_MAX }),
        Shape::Choice(names) => {
            let names = names();
            json!({ "type": "string", "enum": names, "default": names[0] })
        }
        Shape::Range => json!({
            "type": "array",
            "items": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            "minItems": 2,
            "maxItems": 2,
        }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number => json!({ "type": "integer", "minimum": 0 }),
        Shape::Table(keys) => table(keys),
        Shape::Tables(keys) => json!({ "type": "array", "items": table(keys) }),
        Shape::ListFiles => json!({
            "type": "object",
            "additionalProperties": { "type": "string", "pattern": "\\.[tT][xX][tT]$" },
        }),
    }
}

/// The example as JSON; none for tables, which editors build from their settings.
fn example(key: &Key) -> Option<Value> {
    if matches!(key.shape, Shape::Table(_) | Shape::Tables(_)) {
        return None;
    }
    let document: Map<String, Value> = toml::from_str(&format!("example = {}", key.example)).ok()?;
    document.get("example").cloned()
}

/// One line for each operator of the query language.
fn operators() -> String {
    let forms = "Words side by side must all be there; OR, -exclusion, (groups), \"phrases\", \"close together\"~3, \
        a NEAR/5 b, a ONEAR/5 b, prefix*, wild?card, {Case}, raw:\"AT&T\", #tag, @handle, $TICKER, list:NAME";
    let fields = FIELDS.iter().map(|field| format!("{} ({})", field.example, field.meaning));
    format!("{forms}; {}.", fields.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::diagnostic::SourceFile;
    use crate::rules::pack::keys::{PACK_KEYS, RULE_KEYS, TEST_KEYS};
    use crate::rules::pack::load;

    const LEVELS: [(&str, &[Key]); 3] =
        [("[pack]", &PACK_KEYS), ("[[rule]]", &RULE_KEYS), ("[[rule.tests]]", &TEST_KEYS)];

    /// What the loader says of a pack with the required settings, and `key` of level `at` set to `value`.
    fn with(at: usize, key: &str, value: &str) -> Vec<String> {
        let mut text = String::new();
        for (level, (header, keys)) in LEVELS.into_iter().enumerate() {
            text += &format!("{header}\n");
            for other in keys {
                if level == at && other.name == key {
                    text += &format!("{key} = {value}\n");
                } else if other.is_required {
                    text += &format!("{} = {}\n", other.name, other.example);
                }
            }
        }
        let files = [SourceFile { path: "a.toml".into(), text }];
        load(&files).1.into_iter().map(|finding| finding.message).collect()
    }

    fn simple_keys() -> impl Iterator<Item = (usize, &'static Key)> {
        let keys =
            LEVELS.into_iter().enumerate().flat_map(|(at, (_, keys))| keys.iter().map(move |key| (at, key)));
        keys.filter(|(_, key)| !matches!(key.shape, Shape::Tables(_)))
    }

    #[test]
    fn the_loader_takes_every_example_and_refuses_other_types() {
        for (at, key) in simple_keys() {
            assert_eq!(with(at, key.name, key.example), Vec::<String>::new(), "{}", key.name);
            let wrong = with(at, key.name, "1979-05-27");
            assert!(!wrong.is_empty() && wrong[0].contains(key.name), "{}: {wrong:?}", key.name);
            assert!(key.meaning.ends_with('.') && key.meaning.len() < 230, "{}", key.name);
        }
    }

    #[test]
    fn the_loader_takes_every_choice_and_nothing_else() {
        for (at, key) in simple_keys() {
            let Shape::Choice(names) = key.shape else { continue };
            for name in names() {
                assert_eq!(with(at, key.name, &format!("{name:?}")), Vec::<String>::new(), "{name}");
            }
            assert_eq!(with(at, key.name, "\"none\"").len(), 1, "{}", key.name);
        }
    }

    #[test]
    fn examples_are_values_of_their_settings() {
        let schema = pack_schema();
        let rule = &schema["properties"]["rule"]["items"]["properties"];
        assert_eq!(rule["expect_per_day"]["examples"], json!([[5, 400]]));
        assert_eq!(
            (&rule["status"]["default"], &rule["fold"]["default"]),
            (&json!("live"), &json!("standard"))
        );
        let query = rule["query"]["description"].as_str().unwrap();
        assert!(FIELDS.iter().all(|field| query.contains(field.example)), "{query}");
    }
}
