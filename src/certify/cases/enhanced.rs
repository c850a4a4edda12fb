//! Enhanced mode: which acknowledgments MSH-15 and MSH-16 ask for, when the message is accepted and when it is refused.

use crate::certify::answer::{Answer, Rank};
use crate::certify::case::{Case, Group, Needs};
use crate::certify::specimen::Kit;
use crate::certify::step::{Asked, Step};

const CLAUSE: &str = "HL7 v2.9.1 §2.8.3, MSH-15 and MSH-16, table 0155";
const LATER: &str =
    "no application acknowledgment came on this connection; it may come later or on another one";

const fn case(
    id: &'static str,
    title: &'static str,
    expects: &'static str,
    steps: fn(&mut Kit) -> Vec<Step>,
) -> Case {
    Group::Enhanced
        .case(id, title, CLAUSE, expects, steps)
        .needing(Needs::EnhancedMode)
}

type Codes = &'static [&'static str];
const NOTHING: Codes = &[];

pub(super) const CASES: &[Case] = &[
    case(
        "commit-always",
        "MSH-15 AL and MSH-16 NE: a commit acknowledgment",
        "CA and nothing else",
        |kit| good(kit, b"AL", b"NE", &["CA"], &[]),
    ),
    case(
        "never",
        "MSH-15 NE and MSH-16 NE: no acknowledgment",
        "nothing",
        |kit| good(kit, b"NE", b"NE", NOTHING, &[]),
    ),
    case(
        "both-always",
        "MSH-15 AL and MSH-16 AL: a commit acknowledgment, then an application acknowledgment",
        "CA, then AA; AA may come later or on another connection",
        |kit| good(kit, b"AL", b"AL", &["CA", "AA"], &[(&["CA"], LATER)]),
    ),
    case(
        "application-always",
        "MSH-15 NE and MSH-16 AL: what original mode does",
        "AA and nothing else",
        |kit| good(kit, b"NE", b"AL", &["AA"], &[(NOTHING, LATER)]),
    ),
    case(
        "commit-alone",
        "MSH-15 AL and MSH-16 empty: a commit acknowledgment at least",
        "CA, then AA, because empty keeps its default; CA alone is put up with",
        |kit| {
            let why = "an empty MSH-16 counts as NE with this receiver";
            good(kit, b"AL", b"", &["CA", "AA"], &[(&["CA"], why)])
        },
    ),
    case(
        "application-alone",
        "MSH-15 empty and MSH-16 AL: an application acknowledgment",
        "AA and nothing else; CA before it is put up with",
        |kit| {
            let why = "an empty MSH-15 counts as AL with this receiver";
            good(
                kit,
                b"",
                b"AL",
                &["AA"],
                &[(&["CA", "AA"], why), (NOTHING, LATER)],
            )
        },
    ),
    case(
        "commit-on-success",
        "MSH-15 SU: a commit acknowledgment of what is accepted",
        "CA",
        |kit| good(kit, b"SU", b"NE", &["CA"], &[]),
    ),
    case(
        "commit-on-error",
        "MSH-15 ER: no commit acknowledgment of what is accepted",
        "nothing",
        |kit| good(kit, b"ER", b"NE", NOTHING, &[]),
    ),
    case(
        "application-on-success",
        "MSH-16 SU: an application acknowledgment of what is accepted",
        "AA",
        |kit| good(kit, b"NE", b"SU", &["AA"], &[(NOTHING, LATER)]),
    ),
    case(
        "application-on-error",
        "MSH-16 ER: no application acknowledgment of what is accepted",
        "nothing",
        |kit| good(kit, b"NE", b"ER", NOTHING, &[]),
    ),
    case(
        "refused-always",
        "MSH-15 AL: a refusal is a commit error or rejection",
        "CR (or CE), not AR or AE",
        |kit| bad(kit, b"AL", b"NE", &[&["CR"], &["CE"]], &[]),
    ),
    case(
        "refused-on-error",
        "MSH-15 ER: what is refused is told",
        "CR (or CE)",
        |kit| bad(kit, b"ER", b"NE", &[&["CR"], &["CE"]], &[]),
    ),
    case(
        "refused-on-success",
        "MSH-15 SU: what is refused is not told",
        "nothing",
        |kit| bad(kit, b"SU", b"NE", &[NOTHING], &[]),
    ),
    case(
        "refused-never",
        "MSH-15 NE and MSH-16 NE: not even a refusal is told",
        "nothing",
        |kit| bad(kit, b"NE", b"NE", &[NOTHING], &[]),
    ),
    case(
        "refused-application",
        "MSH-16 ER: what is refused is told by the application",
        "AR (or AE)",
        |kit| bad(kit, b"NE", b"ER", &[&["AR"], &["AE"]], &[(NOTHING, LATER)]),
    ),
    case(
        "unknown-condition",
        "a value of MSH-15 that table 0155 does not have does not cost the answer",
        "one answer; a refusal is put up with",
        |kit| {
            let message = kit.with(&[(15, b"XX")]);
            let why = "the receiver refuses an MSH-15 that it does not know";
            vec![
                Step::send(&message),
                Step::Answer(Answer::rather_accepted(&message, why)),
            ]
        },
    ),
];

/// An ordinary message that asks like this.
fn good(
    kit: &mut Kit,
    msh15: &[u8],
    msh16: &[u8],
    wanted: Codes,
    tolerated: &[(Codes, &'static str)],
) -> Vec<Step> {
    let of = kit.with(&[(15, msh15), (16, msh16)]);
    let marker = kit.message();
    let asked = Asked {
        of: of.clone(),
        wanted: vec![wanted],
        tolerated: tolerated.to_vec(),
    };
    vec![Step::send(&of), Step::Asked { asked, marker }]
}

/// A message of an unknown type that asks like this; that such is refused at all is found out first.
fn bad(
    kit: &mut Kit,
    msh15: &[u8],
    msh16: &[u8],
    wanted: &[Codes],
    tolerated: &[(Codes, &'static str)],
) -> Vec<Step> {
    let kind = kit.in_its_delimiters(b"XYZ^Z99");
    let probe = kit.with(&[(9, &kind)]);
    let of = kit.with(&[(9, &kind), (15, msh15), (16, msh16)]);
    let marker = kit.message();
    let taken =
        Rank::Inconclusive("the receiver accepts any type, so there is no refusal to look at");
    let asked = Asked {
        of: of.clone(),
        wanted: wanted.to_vec(),
        tolerated: tolerated.to_vec(),
    };
    vec![
        Step::send(&probe),
        Step::Answer(Answer::refused(&probe, taken)),
        Step::send(&of),
        Step::Asked { asked, marker },
    ]
}
