//! People who do not exist, and can be told from people who do: patients are called after minerals with `Sim` before it,
//! doctors `Simdoc`, all live in Testville, and their telephones are of the range kept for films.

use super::random::Dice;

const FAMILIES: [&str; 32] = [
    "Agate", "Amber", "Basalt", "Béryl", "Borax", "Calcite", "Chalk", "Cobalt", "Copper", "Coral",
    "Diorite", "Feldspar", "Flint", "Gabbro", "Garnet", "Gneiss", "Granite", "Gypsum", "Jasper",
    "Lapis", "Marble", "Mica", "Obsidian", "Onyx", "Opal", "Pumice", "Quartz", "Rüby", "Schist",
    "Slate", "Topaz", "Zircon",
];
const GIVEN: [&str; 26] = [
    "Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett",
    "Kilo", "Lima", "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango",
    "Uniform", "Victor", "Whiskey", "Xray", "Yankee", "Zulu",
];

/// A patient. Without the number nobody can tell two of the same name apart, as in life.
#[derive(Clone, Copy)]
pub(super) struct Person {
    /// The number in PID-3 and PID-18.
    pub(super) number: u64,
    family: u8,
    given: u8,
    middle: u8,
    pub(super) female: bool,
    /// Year, month, day.
    pub(super) born: (u16, u8, u8),
    house: u16,
}

/// A doctor: the unit's place in the pathways and the doctor's in the unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Staff {
    pub(super) unit: u16,
    pub(super) number: u16,
}

/// How many doctors a unit has.
pub(super) const DOCTORS: u16 = 5;

impl Person {
    /// Somebody, with this patient number; born in the 95 years before 2020.
    pub(super) fn new(number: u64, dice: &mut Dice) -> Self {
        let mut small = |end: usize| u8::try_from(dice.below(end as u64)).unwrap_or_default();
        let (family, given, middle) = (
            small(FAMILIES.len()),
            small(GIVEN.len()),
            small(GIVEN.len()),
        );
        let (female, month, day) = (small(2) == 0, small(12) + 1, small(28) + 1);
        let year = 1925 + u16::from(small(95));
        let house = u16::from(small(250)) + 1;
        let born = (year, month, day);
        Self {
            number,
            family,
            given,
            middle,
            female,
            born,
            house,
        }
    }

    /// The same person, registered a second time: another number, another middle name.
    pub(super) fn again(self, number: u64) -> Self {
        let middle = (self.middle + 1) % 26;
        Self {
            number,
            middle,
            ..self
        }
    }

    /// Family, given and middle name.
    pub(super) fn name(self) -> (String, &'static str, &'static str) {
        let of = |names: &[&'static str], index: u8| {
            names.get(usize::from(index)).copied().unwrap_or("Alfa")
        };
        let family = format!("Sim{}", of(&FAMILIES, self.family).to_lowercase());
        (family, of(&GIVEN, self.given), of(&GIVEN, self.middle))
    }

    pub(super) fn street(self) -> String {
        format!("{} Simulation Way", self.house)
    }

    pub(super) fn telephone(self) -> String {
        format!("(555)555-01{:02}", self.house % 100)
    }
}

impl Staff {
    /// One of a unit's doctors.
    pub(super) fn of(unit: usize, dice: &mut Dice) -> Self {
        Self {
            unit: u16::try_from(unit).unwrap_or_default(),
            number: u16::try_from(dice.below(DOCTORS.into())).unwrap_or_default(),
        }
    }

    /// Another doctor of this unit.
    pub(super) fn another(unit: usize, instead_of: Option<Self>, dice: &mut Dice) -> Self {
        let mut chosen = Self::of(unit, dice);
        if Some(chosen) == instead_of {
            chosen.number = (chosen.number + 1) % DOCTORS;
        }
        chosen
    }

    /// XCN.1.
    pub(super) fn id(self) -> String {
        format!("D{:02}{:02}", self.unit + 1, self.number + 1)
    }

    /// XCN.3.
    pub(super) fn given(self) -> &'static str {
        let index = usize::from(self.unit * DOCTORS + self.number) % GIVEN.len();
        GIVEN.get(index).copied().unwrap_or("Alfa")
    }
}
