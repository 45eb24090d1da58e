//! Heads before and after.

use super::*;

#[test]
fn heads_that_may_be_without_a_value_are_put_into_a_comprehension() {
    for (rule, made) in [
        (
            "d contains {\"q\": x.no} if some x in y",
            "d contains opsbox_head_0 if { some opsbox_head_0 in [{\"q\": x.no} | some x in y] }",
        ),
        (
            "d contains {\n\t\"q\": x.no,\n} if {\n\tsome x in y # z\n\tx > 1\n}",
            "d contains opsbox_head_0 if { some opsbox_head_0 in [{\n\t\"q\": x.no,\n} | \n\tsome x in y # z\n\tx > 1\n] }",
        ),
        (
            "d contains y[_].no",
            "d contains opsbox_head_0 if { some opsbox_head_0 in [y[_].no | true] }",
        ),
        (
            "d[x.k] := x.no if some x in y",
            "d[opsbox_head_0] := opsbox_head_1 if { some [opsbox_head_0, opsbox_head_1] in [[x.k, x.no] | some x in y] }",
        ),
        (
            "d.a[\"b\"][x.k] contains 1 if some x in y",
            "d.a[\"b\"][opsbox_head_0] contains 1 if { some opsbox_head_0 in [x.k | some x in y] }",
        ),
        (
            "d[k] := {\"n\": x.no} if some k, x in y",
            "d[opsbox_head_0] := opsbox_head_1 if { some [opsbox_head_0, opsbox_head_1] in [[k, {\"n\": x.no}] | some k, x in y] }",
        ),
        (
            "d[x.k] if some x in y",
            "d[opsbox_head_0] if { some opsbox_head_0 in [x.k | some x in y] }",
        ),
        (
            "d := [x.no] if some x in y\nelse := 3",
            "d := opsbox_head_0 if { some opsbox_head_0 in [[x.no] | some x in y] }\nelse := 3",
        ),
        (
            "d := a | b if x",
            "d := opsbox_head_0 if { some opsbox_head_0 in [(a | b) | x] }",
        ),
        (
            "d contains (a | b) - {c | c := 1} if x",
            "d contains opsbox_head_0 if { some opsbox_head_0 in [(a | b) - {c | c := 1} | x] }",
        ),
        (
            "d[x.k] := x.no in z if some x in y",
            "d[opsbox_head_0] := opsbox_head_1 if { some [opsbox_head_0, opsbox_head_1] in [[x.k, (x.no in z)] | some x in y] }",
        ),
        (
            "d[a | b] { x := y[_] }",
            "d[opsbox_head_0] { opsbox_head_0 := [(a | b) |  x := y[_] ][_] }",
        ),
        (
            "d[x.k] { x := y[_] }",
            "d[opsbox_head_0] { opsbox_head_0 := [x.k |  x := y[_] ][_] }",
        ),
    ] {
        let text = format!("package p\n\n{rule}\n\ne contains x if x := 1\n");
        let expected = format!("package p\n\n{made}\n\ne contains x if x := 1\n");
        assert_eq!(guarded(&text).as_deref(), Some(expected.as_str()));
        assert_eq!(
            text.lines().count(),
            expected.lines().count(),
            "no line moves: {rule}"
        );
    }
}

#[test]
fn heads_that_always_have_a_value_stay() {
    for rule in [
        "default a := false",
        "a if input.x",
        "a := input.x.y",
        "a contains x if some x in y",
        "a[x] := y if some x, y in z",
        "a[x] { x := 1 }",
        "a := \"text\" if input.x",
        "a := -1.5 if input.x",
        "a := true if input.x",
        "f(x) := y.no if some y in x",
        "a := [x |\n\tsome x in y\n]",
        "import data.x.y",
    ] {
        assert_eq!(guarded(&format!("package p\n\n{rule}\n")), None, "{rule}");
    }
}
