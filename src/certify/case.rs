//! A case: what it checks, by which clause, and the steps that check it.

use std::fmt;

use super::specimen::Kit;
use super::step::Step;

/// What a case is about; the score card is grouped by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The block format of MLLP.
    Framing,
    /// Connections: several, broken, silent, strange.
    Connections,
    /// Which message an acknowledgment is for.
    ControlId,
    /// What else an acknowledgment's header says.
    Header,
    /// What must be refused, and how.
    Refusal,
    /// Which acknowledgments MSH-15 and MSH-16 ask for.
    Enhanced,
    /// What a message may hold.
    Content,
}

impl Group {
    /// A heading: the subject, and where the standard treats it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Framing => "Framing (MLLP Release 1, block format)",
            Self::Connections => "Connections (MLLP Release 1; TCP)",
            Self::ControlId => "Whose acknowledgment it is (HL7 v2.9.1 §2.8, §2.13.8 MSA)",
            Self::Header => "The acknowledgment's header (HL7 v2.9.1 §2.13.9 MSH)",
            Self::Refusal => "Refusals (HL7 v2.9.1 §2.8.2.1, §2.13.5 ERR, table 0357)",
            Self::Enhanced => "Enhanced mode (HL7 v2.9.1 §2.8.3, table 0155)",
            Self::Content => "What a message may hold (HL7 v2.9.1 §2.3, §2.4, §2.5)",
        }
    }

    /// One word, lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Framing => "framing",
            Self::Connections => "connections",
            Self::ControlId => "control_id",
            Self::Header => "header",
            Self::Refusal => "refusal",
            Self::Enhanced => "enhanced",
            Self::Content => "content",
        }
    }
}

/// What a case needs of the receiver, beyond an MLLP listener that accepts the base message in original mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing else.
    OriginalMode,
    /// That it heeds MSH-15 and MSH-16.
    EnhancedMode,
    /// More time or bytes than an ordinary run spends.
    Patience,
}

/// One case.
pub struct Case {
    /// Its name, which stays what it is: `frame-byte-by-byte`.
    pub id: &'static str,
    /// What a receiver should do, in a sentence.
    pub title: &'static str,
    /// What it is about.
    pub group: Group,
    /// The clause that asks for it.
    pub clause: &'static str,
    /// What is expected, and what else is put up with.
    pub expects: &'static str,
    /// What it needs of the receiver.
    pub needs: Needs,
    /// What is sent, and what may come back.
    pub(super) steps: fn(&mut Kit) -> Vec<Step>,
}

impl Group {
    /// A case of this group in original mode.
    pub(super) const fn case(
        self,
        id: &'static str,
        title: &'static str,
        clause: &'static str,
        expects: &'static str,
        steps: fn(&mut Kit) -> Vec<Step>,
    ) -> Case {
        Case {
            id,
            title,
            group: self,
            clause,
            expects,
            needs: Needs::OriginalMode,
            steps,
        }
    }
}

impl Case {
    /// The same with another need.
    pub(super) const fn needing(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.id)
    }
}
