//! The lists of findings inside a Result's details, changed without touching any other byte.

use opsbox_plugin::{OpsResult, ResultRef};
use serde_json::value::RawValue;

use crate::json;

/// The lists of objects in details: details themselves, or those among the members of an object.
pub(crate) struct Lists<'a>(Vec<(Option<usize>, Vec<&'a RawValue>)>);

impl<'a> Lists<'a> {
    /// Finds the lists. A list whose first item is no object holds no findings.
    pub(crate) fn of(result: &ResultRef<'a>) -> Self {
        let details = result.details.get();
        if let Some(items) = findings_in(details) {
            return Self(vec![(None, items)]);
        }
        let members = json::members(details).unwrap_or_default();
        let lists = members.iter().enumerate();
        Self(
            lists
                .filter_map(|(at, (_, value))| Some((Some(at), findings_in(value.get())?)))
                .collect(),
        )
    }

    /// Returns the lists to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Vec<&'a RawValue>> {
        self.0.iter_mut().map(|(_, list)| list)
    }

    fn details(&self, result: &ResultRef<'_>) -> String {
        if let [(None, items)] = self.0.as_slice() {
            return json::array_of(items);
        }
        let members = json::members(result.details.get()).unwrap_or_default();
        let texts: Vec<_> = members
            .iter()
            .enumerate()
            .map(|(at, (key, value))| {
                let list = self.0.iter().find(|(place, _)| *place == Some(at));
                (
                    &**key,
                    list.map_or_else(|| value.get().to_owned(), |(_, items)| json::array_of(items)),
                )
            })
            .collect();
        json::object_of(texts.iter().map(|(key, text)| (*key, text.as_str())))
    }
}

fn findings_in(text: &str) -> Option<Vec<&RawValue>> {
    let items = text.starts_with('[').then(|| json::items(text)).flatten()?;
    items
        .first()
        .is_some_and(|item| item.get().starts_with('{'))
        .then_some(items)
}

/// Returns the Result with these lists, and with another text where one is given. Every other member keeps its place and bytes.
///
/// # Errors
/// Never in practice: JSON text is put together from JSON text.
pub(crate) fn rebuilt(
    result: &ResultRef<'_>,
    lists: &Lists<'_>,
    formatted: Option<&str>,
) -> serde_json::Result<OpsResult> {
    let details = lists.details(result);
    let formatted = formatted.map(|text| serde_json::Value::from(text).to_string());
    let members = json::members(result.raw).unwrap_or_default();
    let text = json::object_of(members.iter().map(|(key, value)| {
        let changed = match &**key {
            "details" => Some(details.as_str()),
            "formatted" => formatted.as_deref(),
            _ => None,
        };
        (&**key, changed.unwrap_or_else(|| value.get()))
    }));
    Ok(OpsResult::from_raw(RawValue::from_string(text)?))
}
