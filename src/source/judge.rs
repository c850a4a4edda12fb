//! Which messages a source takes: the checks on MSH that come before anything else is looked at.

use super::intake::Intake;
use crate::hl7::acknowledgment::Refusal;
use crate::hl7::charset::CharsetError;
use crate::hl7::{Header, Message};

/// Message codes of HL7 table 0076, versions 2.1 to 2.9, in order: what a source without `accept` takes.
const MESSAGE_CODES: &str = "\
    ACK ADR ADT ARD BAR BPS BRP BRT BTS CCF CCI CCM CCQ CCU CQU CRM CSU DBC DBU DEL DEO DER DFT DOC DPR DRC DRG DSR \
    EAC EAN EAR EDR EHC EQQ ERP ERQ ESR ESU INR INU IPC IPR LSR LSU MCF MDM MFD MFK MFN MFQ MFR NMD NMQ NMR OMB OMD \
    OMG OMI OML OMN OMP OMQ OMS OPL OPR OPU ORA ORB ORD ORF ORG ORI ORL ORM ORN ORP ORR ORS ORU ORX OSM OSQ OSR OSU \
    OUL PEX PGL PIN PMU PPG PPP PPR PPT PPV PRR PTR QBP QCK QCN QRF QRY QSB QSX QVR RAR RAS RCI RCL RDE RDO RDR RDS \
    RDY REF RER RGR RGV ROR RPA RPI RPL RPR RQA RQC RQI RQP RQQ RRA RRD RRE RRG RRI RSP RTB SCN SDN SDR SIU SLN SLR \
    SMD SQM SQR SRM SRR SSR SSU STC STI SUR TBR TCR TCU UDM VXQ VXR VXU VXX";

/// HL7 versions (table 0104).
const VERSIONS: [&[u8]; 17] = [
    b"2.0", b"2.0D", b"2.1", b"2.2", b"2.3", b"2.3.1", b"2.3.2", b"2.4", b"2.5", b"2.5.1", b"2.6",
    b"2.7", b"2.7.1", b"2.8", b"2.8.1", b"2.8.2", b"2.9",
];

/// Why `message` is refused, if it is. A message without MSH-12 passes: senders of old versions leave it out.
pub(super) fn judge(message: &Message, intake: &Intake) -> Option<Refusal> {
    let header = message.header();
    if header.control_id().is_empty() {
        return Some(Refusal::NoControlId);
    }
    if let Some(refusal) = judge_type(&header, intake) {
        return Some(refusal);
    }
    let version = header.version_id();
    if !version.is_empty() && !VERSIONS.contains(&version) {
        return Some(Refusal::Version);
    }
    let taken = &intake.processing_ids;
    if !taken.is_empty()
        && !taken
            .iter()
            .any(|id| id.as_bytes() == header.processing_id())
    {
        return Some(Refusal::ProcessingId);
    }
    let wide = !header.character_set().is_empty()
        && matches!(
            message.resolved_charset().problem,
            Some(CharsetError::Wide { .. })
        );
    wide.then_some(Refusal::CharacterSet)
}

fn judge_type(header: &Header<'_>, intake: &Intake) -> Option<Refusal> {
    let (code, event) = (header.message_code(), header.trigger_event());
    if intake.accept.is_empty() {
        return (!is_message_code(code)).then_some(Refusal::MessageType);
    }
    let mut of_code = intake
        .accept
        .iter()
        .filter(|pattern| pattern.code.as_bytes() == code)
        .peekable();
    if of_code.peek().is_none() {
        return Some(Refusal::MessageType);
    }
    let taken = of_code.any(|pattern| pattern.event.as_ref().is_none_or(|e| e.as_bytes() == event));
    (!taken).then_some(Refusal::TriggerEvent)
}

fn is_message_code(code: &[u8]) -> bool {
    code.len() == 3
        && memchr::memmem::find_iter(MESSAGE_CODES.as_bytes(), code).any(|at| at % 4 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::TypePattern;

    fn message(kind: &str, id: &str, processing: &str, version: &str) -> Message {
        let text =
            format!("MSH|^~\\&|A|B|C|D|20260101||{kind}|{id}|{processing}|{version}\rEVN|A01\r");
        Message::parse(text.into_bytes()).unwrap()
    }

    fn intake(accept: &[&str]) -> Intake {
        let accept = accept
            .iter()
            .map(|pattern| pattern.parse::<TypePattern>().unwrap())
            .collect();
        Intake {
            accept,
            ..Intake::default()
        }
    }

    #[test]
    fn every_standard_message_code_is_taken_unless_accept_says_less() {
        let open = Intake::default();
        for kind in ["ADT^A01", "ACK", "VXU^V04", "ORM^O01^ORM_O01", "QRY^A19"] {
            assert_eq!(
                judge(&message(kind, "1", "P", "2.3"), &open),
                None,
                "{kind}"
            );
        }
        for kind in ["XYZ^Z99", "", "DTA^A01", "ADT ^A01", "adt^A01", " AC"] {
            let refusal = judge(&message(kind, "1", "P", "2.3"), &open);
            assert_eq!(refusal, Some(Refusal::MessageType), "{kind}");
        }
    }

    #[test]
    fn a_code_that_is_not_listed_is_200_and_an_event_that_is_not_listed_is_201() {
        let some = intake(&["ADT", "ORM^O01"]);
        assert_eq!(judge(&message("ADT^A60", "1", "P", "2.5"), &some), None);
        assert_eq!(judge(&message("ORM^O01", "1", "P", "2.5"), &some), None);
        assert_eq!(
            judge(&message("ORM^O02", "1", "P", "2.5"), &some),
            Some(Refusal::TriggerEvent)
        );
        assert_eq!(
            judge(&message("ORU^R01", "1", "P", "2.5"), &some),
            Some(Refusal::MessageType)
        );
    }

    #[test]
    fn versions_processing_ids_and_control_ids_are_judged_in_the_header() {
        let open = Intake::default();
        assert_eq!(
            judge(&message("ADT^A01", "1", "P", "9.9"), &open),
            Some(Refusal::Version)
        );
        assert_eq!(
            judge(&message("ADT^A01", "1", "P", "2.5.1^DEU"), &open),
            None
        );
        assert_eq!(judge(&message("ADT^A01", "1", "P", ""), &open), None);
        assert_eq!(
            judge(&message("ADT^A01", "", "P", "2.5"), &open),
            Some(Refusal::NoControlId)
        );
        let production = Intake {
            processing_ids: vec!["P".into()],
            ..Intake::default()
        };
        assert_eq!(
            judge(&message("ADT^A01", "1", "P^T", "2.5"), &production),
            None
        );
        assert_eq!(
            judge(&message("ADT^A01", "1", "T", "2.5"), &production),
            Some(Refusal::ProcessingId)
        );
    }

    #[test]
    fn the_table_of_codes_is_sorted_and_evenly_spaced() {
        let codes: Vec<&str> = MESSAGE_CODES.split(' ').collect();
        assert!(codes.iter().all(|code| code.len() == 3));
        assert!(codes.is_sorted());
    }
}
