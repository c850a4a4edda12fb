//! What a faulty condition is answered: where, what would be right there, and what was probably meant.

use super::Condition;

fn errors(texts: &[&str]) -> String {
    let said = |text: &&str| {
        let error = Condition::parse(text).map(|_| ()).unwrap_err();
        let shown: String = text.chars().take(30).collect();
        let hint = error.hint.iter().map(|hint| format!("\n    hint: {hint}"));
        format!("{shown}\n    {error}{}", hint.collect::<String>())
    };
    texts.iter().map(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_faulty_condition_says_where_and_what_to_write() {
    insta::assert_snapshot!(errors(&[
        r#"PID-8 == "F""#,
        r#"PID-8 <> "F""#,
        r#"PID-8 =~ "F""#,
        r#"PID-8 like "F""#,
        "PID-8 = F",
        "PV1-3.1 = ICU",
        "PV1-3.1 = 4W",
        "PID-8 = “F”",
        "PID-8 = null",
        r#"PID-8 = """#,
        "PID-8 = '\"\"'",
        "PID-8 is empty",
        "PID-8 exist",
        "PID-8",
        "pid-8 exists",
        "PID-0 exists",
        "PID[x]-3 exists",
        r#"PID = "x""#,
        r#"PID-8 = "F"#,
        "PID-5 = OBX[*]-5",
    ]), @r#"
    PID-8 == "F"
        expected = != < <= > >= in matches exists empty or null at character 7
        hint: use = to compare
    PID-8 <> "F"
        expected = != < <= > >= in matches exists empty or null at character 7
        hint: use !=
    PID-8 =~ "F"
        expected = != < <= > >= in matches exists empty or null at character 7
        hint: use matches "regex"
    PID-8 like "F"
        expected = != < <= > >= in matches exists empty or null at character 7
        hint: use matches "regex"
    PID-8 = F
        expected a text in quotes, a number or a path at character 9
        hint: put text in quotes: "F"
    PV1-3.1 = ICU
        expected a text in quotes, a number or a path at character 11
        hint: put text in quotes: "ICU"
    PV1-3.1 = 4W
        expected a number such as 4 or 4.5 at character 11
        hint: put text in quotes: "4W"
    PID-8 = “F”
        expected a text in quotes, a number or a path at character 9
        hint: use straight quotes: " or '
    PID-8 = null
        expected a text in quotes, a number or a path at character 9
        hint: write null right behind the path
    PID-8 = ""
        expected a text that is not empty at character 9
        hint: write empty for nothing there, null for the delete indicator
    PID-8 = '""'
        expected a text that is not empty at character 9
        hint: write empty for nothing there, null for the delete indicator
    PID-8 is empty
        expected = != < <= > >= in matches exists empty or null at character 7
        hint: leave is out: PID-8 empty, PID-8 null, PID-8 = "F"
    PID-8 exist
        expected = != < <= > >= in matches exists empty or null at character 7
        hint: did you mean exists?
    PID-8
        expected = != < <= > >= in matches exists empty or null at character 6
    pid-8 exists
        expected a path such as PID-3.1, not, or ( at character 1
        hint: write PID-8
    PID-0 exists
        expected a number from 1 to 65535 at character 5
    PID[x]-3 exists
        expected [n] from 1, or [*] at character 4
    PID = "x"
        expected a field, as in PID-3 at character 1
        hint: only exists and empty can be asked of a segment: PID exists
    PID-8 = "F
        expected " at the end of the text at character 11
    PID-5 = OBX[*]-5
        expected a path that leads to one value at character 9
        hint: [*] may stand on the left side only
    "#);
}

#[test]
fn a_faulty_combination_says_where_and_what_to_write() {
    insta::assert_snapshot!(errors(&[
        "PID-8 exists AND PID-9 exists",
        "PID-8 exists && PID-9 exists",
        "PID-8 exists PID-9 exists",
        "NOT PID-8 exists",
        "!PID-8 exists",
        "(PID-8 exists",
        "PID-8 exists)",
        "",
        "PID-8 exists and",
        "PID-8 in units",
        r#"PID-8 in ["M"]"#,
        r#"PID-8 in "M""#,
        r#"PID-8 in ("M" "F")"#,
        "PID-8 in ()",
        "PID-8 in table()",
        r#"PID-8 matches "(""#,
        "PID-8 matches M",
        r#"PID-8 not = "F""#,
        &"(".repeat(100),
        &"not ".repeat(100),
    ]), @r#"
    PID-8 exists AND PID-9 exists
        expected and, or, or the end at character 14
        hint: write and in lower case
    PID-8 exists && PID-9 exists
        expected and, or, or the end at character 14
        hint: write and
    PID-8 exists PID-9 exists
        expected and, or, or the end at character 14
    NOT PID-8 exists
        expected a path such as PID-3.1, not, or ( at character 1
        hint: write not in lower case
    !PID-8 exists
        expected a path such as PID-3.1, not, or ( at character 1
        hint: write not
    (PID-8 exists
        expected and, or, or ) at character 14
    PID-8 exists)
        expected and, or, or the end at character 13
        hint: there is no ( for this )

        expected a path such as PID-3.1, not, or ( at character 1
    PID-8 exists and
        expected a path such as PID-3.1, not, or ( at character 17
    PID-8 in units
        expected ( or table(name) at character 10
        hint: write table(units) for a table of that name
    PID-8 in ["M"]
        expected ( or table(name) at character 10
        hint: put the values in round brackets: in ("A", "B")
    PID-8 in "M"
        expected ( or table(name) at character 10
        hint: put the values in round brackets: in ("A", "B")
    PID-8 in ("M" "F")
        expected , or ) at character 15
    PID-8 in ()
        expected a text in quotes, a number or a path at character 11
    PID-8 in table()
        expected the name of a table at character 16
    PID-8 matches "("
        expected a regular expression at character 15
        hint: unclosed group
    PID-8 matches M
        expected a text in quotes at character 15
        hint: put text in quotes: "M"
    PID-8 not = "F"
        expected in matches exists empty or null at character 11
        hint: write not before the path
    ((((((((((((((((((((((((((((((
        expected at most 64 parts within parts at character 65
    not not not not not not not no
        expected at most 64 parts within parts at character 257
    "#);
}
