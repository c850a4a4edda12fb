//! A random run against a model that is simple enough to be right.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What a run of the model does.
#[derive(Debug, Clone)]
enum Act {
    Append(usize, usize),
    Take(usize),
    Park(usize),
    Replay(usize),
    Crash,
    Close,
    Retain,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..30_usize, 0..6000_usize).prop_map(|(count, size)| Act::Append(count, size)),
        4 => (1..40_usize).prop_map(Act::Take),
        1 => any::<usize>().prop_map(Act::Park),
        1 => any::<usize>().prop_map(Act::Replay),
        1 => Just(Act::Crash),
        1 => Just(Act::Close),
        1 => Just(Act::Retain),
    ]
}

/// What the journal must be.
#[derive(Default)]
struct Model {
    entries: BTreeMap<Position, usize>,
    settled: BTreeMap<Position, OutcomeKind>,
    replays: Vec<Position>,
    count: usize,
}

impl Model {
    fn next(&self) -> Option<(Position, bool)> {
        let waiting = self
            .entries
            .keys()
            .find(|at| !self.settled.contains_key(at));
        self.replays
            .first()
            .map(|at| (*at, true))
            .or(waiting.map(|at| (*at, false)))
    }

    async fn settle(&mut self, journal: &Journal, at: Position, kind: OutcomeKind) {
        journal.settle("lab", at, outcome(kind)).await.unwrap();
        self.settled.insert(at, kind);
        self.replays.retain(|other| *other != at);
    }

    async fn step(&mut self, mut journal: Journal, dir: &Path, act: Act) -> Journal {
        match act {
            Act::Append(count, size) => {
                let at = fill(&journal, self.count..self.count + count, size).await;
                self.entries.extend(at.into_iter().zip(self.count..));
                self.count += count;
            }
            Act::Take(count) => {
                let mut lane = journal.lane("lab").unwrap();
                for _ in 0..count {
                    let Some((at, replay)) = self.next() else {
                        break;
                    };
                    let next = soon(&mut lane).await;
                    assert_eq!((next.entry.position, next.replay), (at, replay));
                    self.settle(&journal, at, OutcomeKind::Delivered).await;
                }
            }
            Act::Park(which) if !self.entries.is_empty() => {
                let at = *self.entries.keys().nth(which % self.entries.len()).unwrap();
                self.settle(&journal, at, OutcomeKind::Parked).await;
            }
            Act::Replay(which) if !self.entries.is_empty() => {
                let at = *self.entries.keys().nth(which % self.entries.len()).unwrap();
                journal.request_replay("lab", at).await.unwrap();
                if self.settled.get(&at) == Some(&OutcomeKind::Parked) {
                    self.settled.insert(at, OutcomeKind::Delivered);
                }
                self.replays.retain(|other| *other != at);
                self.replays.push(at);
            }
            Act::Crash => {
                drop(journal);
                journal = open(dir);
            }
            Act::Close => {
                journal.close().await.unwrap();
                drop(journal);
                let (again, opened) = open_with(settings(dir));
                assert!(opened.clean && opened.cut.is_none());
                journal = again;
            }
            Act::Retain => {
                // Only here, so that the journal does not remove what the model is about to look at.
                drop(journal);
                let keep = JournalSettings {
                    keep_bytes: Some(128 << 10),
                    ..settings(dir)
                };
                journal = open_with(keep).0;
                journal.retain().await.unwrap();
                drop(journal);
                journal = open(dir);
            }
            Act::Park(_) | Act::Replay(_) => {}
        }
        self.check(&journal);
        journal
    }

    /// Compares; what retention took must have been settled.
    fn check(&mut self, journal: &Journal) {
        let there: std::collections::BTreeSet<u32> = kept_segments(journal);
        let (settled, replays) = (&self.settled, &self.replays);
        self.entries.retain(|at, _| {
            let kept = there.contains(&at.segment());
            let done = settled
                .get(at)
                .is_some_and(|kind| *kind != OutcomeKind::Parked)
                && !replays.contains(at);
            assert!(kept || done, "{at} is gone and was not settled");
            kept
        });
        let state = &journal.destinations()[0];
        let count = |test: &dyn Fn(Option<&OutcomeKind>) -> bool| {
            self.entries
                .keys()
                .filter(|at| test(self.settled.get(at)))
                .count()
        };
        assert_eq!(state.backlog, count(&|kind| kind.is_none()) as u64);
        assert_eq!(
            state.parked,
            count(&|kind| kind == Some(&OutcomeKind::Parked))
        );
        assert_eq!(state.replays, self.replays.len());
    }
}

fn kept_segments(journal: &Journal) -> std::collections::BTreeSet<u32> {
    core::lock(&journal.core.live)
        .state
        .segments
        .keys()
        .copied()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_journal_is_what_a_simple_model_says(acts in proptest::collection::vec(act(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = TempDir::new().unwrap();
            let mut journal = open(dir.path());
            journal.register("lab", Start::Now).await.unwrap();
            let mut model = Model::default();
            for act in acts {
                journal = model.step(journal, dir.path(), act).await;
            }
            for (at, number) in &model.entries {
                let entry = journal.read(*at).await.unwrap();
                assert_eq!(entry.keys, message(*number, 0).keys);
            }
            journal.close().await.unwrap();
            assert!(verify(&settings(dir.path()).dir).unwrap().faults.is_empty());
        });
    }
}
