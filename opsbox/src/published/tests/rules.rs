//! The rules of PROTOCOL.md: each has an id, and each id says where it is checked, or why it cannot be.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{self, blocks, rule, rules, section, table};
use crate::conform;

/// Words that only explain what MUST means.
const ABOUT_MUST: [&str; 2] = [
    "MUST, SHOULD and MAY are meant as in RFC 2119",
    "A rule with MUST that is broken is",
];

/// Returns the ids of the list of section 20 that begins with these words.
#[track_caller]
fn list_of(document: &str, head: &str) -> Vec<String> {
    let (_, rest) = document.split_once(&format!("**{head}:**")).unwrap();
    let list = rest.split("\n\n").next().unwrap();
    list.split_whitespace().map(str::to_owned).collect()
}

/// Returns the rules that cannot be checked, each with the reason.
fn unseen(document: &str) -> BTreeMap<String, String> {
    let table = table(&section(document, "## 20 "), "Rule");
    table
        .rows
        .into_iter()
        .map(|mut row| (row.remove(0), row.remove(0)))
        .collect()
}

#[test]
fn the_document_and_the_suite_name_the_same_rules() {
    let document = document::text();
    let checked = list_of(&document, "Checked by the suite");
    let suite: BTreeSet<String> = conform::rules::all().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(checked.iter().cloned().collect::<BTreeSet<_>>(), suite);
    let heads = [
        "Checked when the manifest is read, or when the plugin is started",
        "Binds the host, or is for a reader to know",
    ];
    let mut listed = checked;
    listed.extend(heads.iter().flat_map(|head| list_of(&document, head)));
    listed.extend(unseen(&document).into_keys());
    listed.sort();
    let mut ids: Vec<String> = rules(&document).into_iter().map(|(id, _)| id).collect();
    ids.sort();
    assert_eq!(
        listed, ids,
        "each rule of the document stands in one list of section 20, once"
    );
}

#[test]
fn no_must_of_the_document_is_without_a_rule() {
    let document = document::text();
    let mut bare = Vec::new();
    for block in blocks(&document) {
        let explains = ABOUT_MUST.iter().any(|words| block.contains(words));
        if block.contains("MUST") && !explains && rules(&block).is_empty() {
            bare.push(block);
        }
    }
    assert_eq!(
        bare,
        [] as [&str; 0],
        "a sentence with MUST stands beside the id of its rule"
    );
}

#[test]
fn a_must_of_a_plugin_is_checked_or_says_why_it_cannot_be() {
    let document = document::text();
    let host = list_of(&document, "Binds the host, or is for a reader to know");
    for id in &host {
        let text = rule(&document, id);
        for sentence in text.split(". ").filter(|sentence| sentence.contains("MUST")) {
            let who = [
                "A plugin",
                "An SDK",
                "An output",
                "An assistant",
                "A handler",
                "A reader",
                "A writer",
            ];
            let bound = who.iter().find(|who| sentence.contains(*who));
            assert_eq!(
                bound, None,
                "{id} binds plugins, and is listed as if it did not: {sentence}"
            );
        }
    }
    for (id, why) in unseen(&document) {
        assert!(why.len() > 20, "{id}: `{why}` is no reason");
    }
}

#[test]
fn a_must_of_the_document_is_a_must_of_the_suite() {
    let document = document::text();
    for known in conform::rules::all().filter(|rule| rule.should) {
        let text = rule(&document, known.id);
        assert!(
            !text.contains("MUST") || text.contains("SHOULD"),
            "{}: {text}",
            known.id
        );
    }
}

#[test]
fn every_rule_that_a_text_names_is_a_rule() {
    let document = document::text();
    let known: BTreeSet<String> = rules(&document).into_iter().map(|(id, _)| id).collect();
    for text in document.split('[').skip(1) {
        let id = text.split(']').next().unwrap_or_default();
        let is_id = id.split_once('-').is_some_and(|(group, number)| {
            !group.is_empty()
                && group.chars().all(|c| c.is_ascii_uppercase())
                && number.parse::<u32>().is_ok()
        });
        assert!(!is_id || known.contains(id), "[{id}] is no rule");
    }
}
