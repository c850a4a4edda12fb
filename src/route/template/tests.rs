//! Templates in users' words: what they can read, what they escape, what they refuse.

use super::*;

const RESULT: &[u8] = b"MSH|^~\\&|LAB||||||ORU^R01|1|P|2.5\r\
    PID|1||007||Roe \"A\"^R\\T\\B|\"\"\r\
    OBX|1|NM|718-7||5.0\r\
    OBX|2|TX|1-1||a\\F\\b\\X0D\\ZZZ\r";

fn render(format: TemplateFormat, source: &str) -> Result<String, TemplateError> {
    let mut templates = Templates::new();
    templates.add("note", format, source.to_owned())?;
    let message = Message::parse(RESULT).unwrap();
    templates.render("note", &Draft::of(&message))
}

fn text(source: &str) -> String {
    render(TemplateFormat::Text, source).unwrap()
}

#[test]
fn a_template_reads_values_as_text() {
    assert_eq!(text("{{ v('PID-5.2') }} {{ m['PID-3'] }}"), "R&B 007");
    assert_eq!(
        text("[{{ v('PID-6') }}{{ v('PID-9') }}{{ v('ZPI-1') }}]"),
        "[]"
    );
    assert_eq!(text("{{ all('OBX[*]-3')|join(',') }}"), "718-7,1-1");
    assert_eq!(
        text("{{ exists('PID-6') }} {{ null('PID-6') }} {{ exists('PID-9') }}"),
        "True True False"
    );
    assert_eq!(
        text("{% for o in segments('OBX') %}{{ o['OBX-1'] }}={{ o['OBX-2'] }} {% endfor %}"),
        "1=NM 2=TX "
    );
}

#[test]
fn json_values_are_written_as_json() {
    let json = render(
        TemplateFormat::Json,
        "{\"family\": {{ v('PID-5.1') }}, \"n\": {{ all('OBX[*]-1') }}}",
    );
    let read: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
    assert_eq!(read["family"], "Roe \"A\"");
    assert_eq!(read["n"][1], "2");
}

#[test]
fn in_an_hl7_template_no_value_can_make_a_segment() {
    let source = "MSH|^~\\&|X\nNTE|1||{{ m['OBX[2]-5'] }}\n\n{{ 'A|B' }}\n";
    let written = render(TemplateFormat::Hl7, source).unwrap();
    assert_eq!(written, "MSH|^~\\&|X\rNTE|1||a\\F\\b\\X0D\\ZZZ\rA\\F\\B\r");
    assert_eq!(text("{{ m['OBX[2]-5']|hl7_escape }}"), "a\\F\\b\\X0D\\ZZZ");
}

fn error(source: &str) -> String {
    render(TemplateFormat::Text, source)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_faulty_template_names_its_line() {
    let said: Vec<String> = [
        "a\n{{ v('PID-3' }}",
        "a\n{{ w('PID-3') }}",
        "{{ v('PID-3')|shout }}",
        "\n\n{{ v('pid.3') }}",
        "{{ patient }}",
        "{% include 'x' %}",
    ]
    .map(error)
    .to_vec();
    insta::assert_snapshot!(said.join("\n"), @r#"
    template note, line 2: syntax error: unexpected `}`, expected `,`
    template note, line 2: unknown function: w is unknown
    template note, line 1: unknown filter: filter shout is unknown
    template note, line 3: expected a path such as "PID-5.1" (for segments(…) a name such as "OBX")
    template note, line 1: undefined value
    template note, line 1: syntax error: unknown statement include
    "#);
}

#[test]
fn a_fault_that_comes_with_a_message_does_not_quote_it() {
    let said = error("{% for x in segments('PID') %}{{ x['PID-5.1'] + 1 }}{% endfor %}");
    insta::assert_snapshot!(said, @"template note, line 1: invalid operation");
}

#[test]
fn a_template_that_does_not_end_is_ended() {
    let endless =
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
    insta::assert_snapshot!(error(endless), @"template note, line 1: engine ran out of fuel");
}

#[test]
fn reading_one_segment_does_not_reach_into_another() {
    let said = error("{% for o in segments('OBX') %}{{ o['PID-3'] }}{% endfor %}");
    insta::assert_snapshot!(said, @"template note, line 1: undefined value");
}
