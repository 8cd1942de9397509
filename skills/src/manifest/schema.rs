//! The published JSON Schema of `skill.toml`, for editors.

use super::written::Written;
use schemars::generate::SchemaSettings;

/// The file in the folder of skills that holds it; a test keeps it as it is generated.
pub const SCHEMA_FILE: &str = "skill.schema.json";

/// The schema as JSON, with a line break at its end.
pub fn text() -> String {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Written>();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Set, it makes the tests write what they would compare.
    const BLESS_VARIABLE: &str = "POCKETPILOT_BLESS";

    #[test]
    fn the_published_schema_is_the_one_of_the_parser() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA_FILE);
        if std::env::var_os(BLESS_VARIABLE).is_some() {
            std::fs::write(&file, text()).expect("it is written");
        }
        let published = std::fs::read_to_string(&file).expect("the schema is published");
        assert!(published == text(), "{SCHEMA_FILE} is old; run the tests with {BLESS_VARIABLE}=1");
    }
}
