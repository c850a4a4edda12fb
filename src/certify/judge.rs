//! Judges what came back to a message.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::answer::{Answer, Echo};
use super::check::Pair;
use super::outcome::Finding;
use super::specimen::Specimen;
use crate::hl7::Message;
use crate::hl7::acknowledgment::{self, Code, Outcome};

/// A reply as far as it can be read.
pub(super) struct Read {
    pub(super) message: Message,
    pub(super) code: Code,
    pub(super) control_id: Vec<u8>,
}

/// MSH-10 of the replies so far.
pub(super) type Seen = BTreeSet<Vec<u8>>;

/// Reads a reply; what it lacks is a fault.
pub(super) fn read(body: &Bytes) -> Result<Read, Finding> {
    let message = Message::parse(body.clone())
        .map_err(|_| Finding::fail("the answer is a frame without a readable MSH"))?;
    let Some(answer) = acknowledgment::Answer::of(&message) else {
        return Err(Finding::fail("the answer has no MSA segment"));
    };
    let Some(code) = answer.code else {
        return Err(Finding::fail("MSA-1 of the answer is not in table 0008"));
    };
    let control_id = answer.control_id.to_vec();
    Ok(Read {
        message,
        code,
        control_id,
    })
}

impl Answer {
    /// What this reply counts as.
    pub(super) fn judge(&self, body: &Bytes, seen: &mut Seen) -> Finding {
        let read = match read(body) {
            Ok(read) => read,
            Err(finding) => return finding,
        };
        let mut finding = self.judge_echo(&read);
        let rank = match read.code.outcome() {
            Outcome::Accept => self.positive,
            Outcome::Error | Outcome::Reject => self.negative,
        };
        let mut said = rank.finding();
        if rank.is_fail() {
            said.reason = format!("{} ({})", said.reason, read.code);
        }
        finding = finding.and(said);
        let sent = Message::parse(self.to.body.clone());
        if let (Ok(sent), true) = (sent, !self.checks.is_empty()) {
            let pair = Pair {
                sent: &sent,
                reply: &read.message,
                seen,
            };
            for check in &self.checks {
                finding = finding.and(check.of(&pair));
            }
        }
        let own = read.message.header().control_id().to_vec();
        seen.insert(own);
        finding
    }

    /// Whether MSA-2 is the control ID of the message.
    fn judge_echo(&self, read: &Read) -> Finding {
        match self.echo {
            Echo::Any => Finding::PASS,
            _ if is_echo(&self.to, &read.control_id) => Finding::PASS,
            Echo::WithoutTail if without_tail(&self.to.id) == without_tail(&read.control_id) => {
                Finding::tolerated("MSA-2 lacks the end of MSH-10 (blanks, or an empty component)")
            }
            Echo::Exact | Echo::WithoutTail => Finding::fail(format!(
                "MSA-2 ({} bytes) is not the message's MSH-10 ({} bytes)",
                read.control_id.len(),
                self.to.id.len()
            )),
        }
    }
}

/// Whether `control_id`, out of MSA-2, is that of `sent`.
pub(super) fn is_echo(sent: &Specimen, control_id: &[u8]) -> bool {
    sent.id == control_id
}

fn without_tail(id: &[u8]) -> &[u8] {
    let kept = id.iter().rposition(|byte| !matches!(byte, b' ' | b'^'));
    kept.and_then(|last| id.get(..=last)).unwrap_or_default()
}
