//! Fields of a form, from the JSON schema of a job type's settings.

use riftwatch_runner::JobType;
use serde_json::{Number, Value};

use crate::args::Args;

/// How a field is filled in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Control {
    Check,
    Whole {
        min: Option<String>,
        max: Option<String>,
    },
    Decimal {
        min: Option<String>,
        max: Option<String>,
    },
    Text,
    /// One of these.
    Choice(Vec<String>),
    /// Texts, one a line.
    Lines,
    /// Anything else, as JSON.
    Json,
}

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) hint: String,
    pub(crate) control: Control,
    pub(crate) default: Value,
    /// Whether it may be nothing at all.
    pub(crate) optional: bool,
}

/// The fields of a type, in the order of its schema.
pub(crate) fn fields(kind: &JobType) -> Vec<Field> {
    let Some(properties) = kind.schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(key, schema)| {
            let (schema, optional) = resolve(schema, &kind.schema);
            Field {
                key: key.clone(),
                hint: properties[key]
                    .get("description")
                    .or_else(|| schema.get("description"))
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .replace('\n', " ")
                    .replace('`', ""),
                control: control(&schema),
                default: kind.default_config.get(key).cloned().unwrap_or(Value::Null),
                optional,
            }
        })
        .collect()
}

/// The schema behind a reference or beside `null`, and whether `null` is allowed.
fn resolve(schema: &Value, root: &Value) -> (Value, bool) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let found = target.strip_prefix('#').and_then(|path| root.pointer(path));
        return found.map_or_else(|| (schema.clone(), false), |found| resolve(found, root));
    }
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        let is_null = |one: &Value| one.get("type").and_then(Value::as_str) == Some("null");
        let others: Vec<&Value> = any.iter().filter(|one| !is_null(one)).collect();
        if let [only] = others.as_slice() {
            return (resolve(only, root).0, any.len() > 1);
        }
    }
    if let Some(types) = schema.get("type").and_then(Value::as_array) {
        let mut plain = schema.clone();
        let named: Vec<&Value> = types.iter().filter(|one| one.as_str() != Some("null")).collect();
        if let [only] = named.as_slice() {
            plain["type"] = (*only).clone();
            return (plain, types.len() > 1);
        }
    }
    (schema.clone(), false)
}

fn control(schema: &Value) -> Control {
    let bound =
        |key: &str| schema.get(key).filter(|value| value.is_number()).map(ToString::to_string);
    let words = schema.get("enum").and_then(Value::as_array).cloned().or_else(|| {
        // Variants with a comment each.
        let one = schema.get("oneOf")?.as_array()?;
        one.iter().map(|variant| variant.get("const").cloned()).collect()
    });
    if let Some(words) = words {
        let texts: Option<Vec<String>> =
            words.iter().map(|word| word.as_str().map(ToOwned::to_owned)).collect();
        return texts.map_or(Control::Json, Control::Choice);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => Control::Check,
        Some("integer") => Control::Whole { min: bound("minimum"), max: bound("maximum") },
        Some("number") => Control::Decimal { min: bound("minimum"), max: bound("maximum") },
        Some("string") => Control::Text,
        Some("array")
            if schema.pointer("/items/type").and_then(Value::as_str) == Some("string") =>
        {
            Control::Lines
        }
        _ => Control::Json,
    }
}

impl Field {
    /// Its name in the form.
    pub(crate) fn name(&self) -> String {
        format!("config.{}", self.key)
    }

    /// Its key with spaces.
    pub(crate) fn label(&self) -> String {
        self.key.replace('_', " ")
    }

    /// A value as the field has it.
    pub(crate) fn show(&self, value: &Value) -> String {
        match (&self.control, value) {
            (_, Value::Null) => String::new(),
            (Control::Check, value) => {
                if value == &Value::Bool(true) {
                    "true".to_owned()
                } else {
                    String::new()
                }
            }
            (Control::Lines, Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), ToOwned::to_owned))
                .collect::<Vec<_>>()
                .join("\n"),
            (Control::Json, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        }
    }

    /// The value that a form says. `None`: the form says nothing of it.
    pub(crate) fn read(&self, args: &Args) -> Result<Option<Value>, String> {
        let name = self.name();
        if self.control == Control::Check {
            // An unticked box is not sent; the mark beside it says that the form has it.
            let known = args.has(&name) || args.has(&format!("{name}.is"));
            return Ok(known.then(|| Value::Bool(args.get(&name).is_some())));
        }
        if !args.has(&name) {
            return Ok(None);
        }
        let text = args.text(&name);
        if text.is_empty() && self.optional {
            return Ok(Some(Value::Null));
        }
        match &self.control {
            Control::Whole { min, max } => {
                let number: i64 = text.parse().map_err(|_| "must be a whole number".to_owned())?;
                // A browser holds to these by itself; whoever writes the form by hand may not.
                let bound = |bound: &Option<String>| bound.as_ref()?.parse::<i64>().ok();
                match (bound(min), bound(max)) {
                    (Some(min), _) if number < min => Err(format!("must be at least {min}")),
                    (_, Some(max)) if number > max => Err(format!("must be at most {max}")),
                    _ => Ok(Some(number.into())),
                }
            }
            Control::Decimal { .. } => text
                .parse::<f64>()
                .ok()
                .and_then(Number::from_f64)
                .map(|number| Some(Value::Number(number)))
                .ok_or_else(|| "must be a number".to_owned()),
            Control::Text | Control::Choice(_) => Ok(Some(text.into())),
            Control::Lines => {
                let lines = text.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty());
                Ok(Some(lines.map(Value::from).collect()))
            }
            Control::Json => serde_json::from_str(text)
                .map(Some)
                .map_err(|error| format!("is not JSON: {error}")),
            Control::Check => unreachable!("answered above"),
        }
    }
}
