//! Batches, whole and broken.

use super::FindingKind as F;
use super::*;

/// The messages, in full, and the findings with their places.
fn taken(input: &str) -> (Vec<String>, Vec<(FindingKind, usize)>) {
    let batch = split(input.as_bytes());
    let messages = batch
        .messages
        .iter()
        .map(|range| input.get(range.clone()).unwrap().to_owned());
    let findings = batch.findings.iter().map(|f| (f.kind, f.offset));
    (messages.collect(), findings.collect())
}

fn lines(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\r"]).collect()
}

const ONE: &str = "MSH|^~\\&|A||||1||ADT^A01|1|P|2.5\rPID|1\r";
const TWO: &str = "MSH|^~\\&|A||||1||ADT^A01|2|P|2.5\r";

#[test]
fn an_enveloped_batch_gives_its_messages_and_no_finding() {
    let input =
        format!("FHS|^~\\&|A\rBHS|^~\\&|A\r{ONE}{TWO}BTS|2\rBHS|^~\\&|A\r{TWO}BTS|1\rFTS|2\r");
    let (messages, findings) = taken(&input);
    assert_eq!(messages, [ONE, TWO, TWO]);
    assert_eq!(findings, []);
    assert!(split(input.as_bytes()).enveloped);
}

#[test]
fn several_messages_without_an_envelope_are_found_whatever_ends_their_lines() {
    for end in ["\r", "\n", "\r\n", "\r\n\n", "\r\x1C\r\x0B", "\n\n\u{FEFF}"] {
        let input = [ONE, TWO, ONE].concat().replace('\r', end);
        let (messages, findings) = taken(&input);
        assert_eq!(messages.len(), 3, "{end:?}");
        assert!(
            messages.iter().all(|message| message.starts_with("MSH|^~")),
            "{end:?}"
        );
        assert_eq!(findings, [], "{end:?}");
    }
    let mixed = format!("{}{TWO}", ONE.replace('\r', "\n"));
    assert_eq!(taken(&mixed).0.len(), 2);
}

#[test]
fn one_message_is_a_batch_of_one_and_its_odd_lines_are_its_own() {
    let input = format!("{ONE}wrapped text\r\rPV1|1\r");
    let (messages, findings) = taken(&input);
    assert_eq!(messages, [input.as_str()]);
    assert_eq!(findings, []);
    assert!(!split(input.as_bytes()).enveloped);
}

#[test]
fn fhs_and_bhs_have_delimiters_of_their_own() {
    let input = format!("FHS#@*!%#A\rBHS:;\"!?:A\r{ONE}BTS:1:\rFTS#1@x#\r");
    let (messages, findings) = taken(&input);
    assert_eq!((messages.len(), findings.len()), (1, 1));
    assert!(
        matches!(findings[0].0, FindingKind::UnreadableCount),
        "1@x is one field"
    );
    let broken = lines(&["BHS|^^|", ONE.trim_end(), "BTS|1"]);
    let (messages, findings) = taken(&broken);
    assert_eq!(
        (messages.len(), findings),
        (1, vec![(FindingKind::UnreadableHeader, 5)])
    );
}

#[test]
fn a_wrong_count_is_reported_and_the_messages_are_still_there() {
    let input = format!("FHS|^~\\&|\rBHS|^~\\&|\r{ONE}{TWO}{TWO}BTS|2|note\rFTS|3\r");
    let (messages, findings) = taken(&input);
    assert_eq!(messages.len(), 3);
    let bts = input.find("BTS").unwrap();
    assert_eq!(
        findings[0],
        (
            FindingKind::BatchCount {
                declared: 2,
                found: 3
            },
            bts
        )
    );
    assert_eq!(
        findings[1].0,
        FindingKind::FileCount {
            declared: 3,
            found: 1
        }
    );
    assert_eq!(
        findings[0].0.to_string(),
        "BTS-1 says 2 messages, the batch has 3"
    );
}

#[test]
fn empty_counts_are_no_fault_and_unreadable_ones_are() {
    let envelope = |count: &str| format!("BHS|^~\\&|\r{ONE}BTS{count}\r");
    assert_eq!(taken(&envelope("")).1, []);
    assert_eq!(taken(&envelope("||done")).1, []);
    assert_eq!(taken(&envelope("| 1 |")).1, []);
    for wrong in ["|one", "|-1", "|99999999999999999999999"] {
        assert_eq!(taken(&envelope(wrong)).1[0].0, FindingKind::UnreadableCount);
    }
}

#[test]
fn missing_trailers_are_reported_where_the_batch_began() {
    let input = format!("FHS|^~\\&|\rBHS|^~\\&|\r{ONE}BHS|^~\\&|\r{TWO}");
    let (messages, findings) = taken(&input);
    assert_eq!(messages, [ONE, TWO]);
    let kinds: Vec<_> = findings.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            F::MissingFileTrailer,
            F::MissingBatchTrailer,
            F::MissingBatchTrailer
        ]
    );
    assert_eq!(findings[0].1, 0);
}

#[test]
fn trailers_without_a_header_and_empty_batches_are_reported() {
    let kinds = |input: String| {
        taken(&input)
            .1
            .into_iter()
            .map(|(kind, _)| kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(format!("{ONE}BTS|1\r")), [F::UnexpectedBatchTrailer]);
    assert_eq!(kinds(format!("{ONE}FTS|1\r")), [F::UnexpectedFileTrailer]);
    assert_eq!(kinds(lines(&["BHS|^~\\&|", "BTS|0"])), [F::EmptyBatch]);
    assert_eq!(kinds(lines(&["FHS|^~\\&|", "FTS|0"])), [F::EmptyFile]);
    assert_eq!(
        kinds(format!("FHS|^~\\&|\r{ONE}{TWO}FTS|1\r")),
        [],
        "no BHS: one batch"
    );
}

#[test]
fn a_run_of_stray_lines_is_one_finding_and_hides_no_message() {
    let input = format!("exported by X\rat noon\r{ONE}BTS|\rtotal: 1\r{TWO}");
    let (messages, findings) = taken(&input);
    assert_eq!(messages, [ONE, TWO]);
    let strays = findings
        .iter()
        .filter(|(kind, _)| *kind == FindingKind::StrayLine);
    assert_eq!(strays.count(), 2);
    assert_eq!(taken("GET / HTTP/1.1\r\n").0.len(), 0);
    assert_eq!(taken("").1, []);
}

#[test]
fn a_bare_trailer_name_in_a_message_without_envelope_is_a_line_of_it() {
    let input = format!("{ONE}OBX|1|TX|||see\nBTS\nbelow\r");
    assert_eq!(taken(&input), (vec![input.clone()], vec![]));
}

#[test]
fn a_hostile_input_of_headers_keeps_a_bounded_number_of_findings() {
    let input = "BHS|^~\\&|\r".repeat(5000);
    assert_eq!(split(input.as_bytes()).findings.len(), MOST_FINDINGS);
}
