//! What a lane does with what the routes say: filtered, changed, failed, rendered.

use std::sync::Arc;

use super::partner::{Does, Partner};
use super::rig::{Rig, ids, mllp, route, routes};
use crate::condition::{Miss, Tables};
use crate::delivery::{DestinationKind, DestinationSettings, HttpSettings, LaneState};
use crate::journal::OutcomeKind;
use crate::route::{Routes, Step, StepKind, TemplateFormat, Templates};

#[tokio::test(start_paused = true)]
async fn what_no_route_sends_here_is_recorded_as_filtered_and_never_sent() {
    let rig = Rig::new(&["ward"]);
    let only = route(&["ward"], Some("MSH-10 != \"M2\""), Vec::new());
    rig.routes.store(Arc::new(routes(vec![only])));
    let partner = Partner::start([]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let mut positions = Vec::new();
    for id in ids(3) {
        positions.push(rig.receive(&id).await);
    }
    let status = rig.settled(&lane, 3).await;
    assert_eq!((status.delivered, status.filtered), (2, 1));
    assert_eq!(partner.control_ids(), ["M1", "M3"]);
    let outcome = rig.outcome("ward", positions[1]);
    assert_eq!(outcome.kind, OutcomeKind::Filtered);
    assert!(outcome.reason.unwrap().contains("route"));
}

/// A step that cannot be done to a message without a PV1.
fn failing_step() -> Step {
    let kind = StepKind::Map {
        path: "PID-3.1".parse().unwrap(),
        table: "wards".to_owned(),
        miss: Miss::Error,
    };
    Step::new("ward names", 7, None, kind).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_message_a_step_cannot_be_done_to_is_parked_and_says_which_step() {
    let rig = Rig::new(&["ward"]);
    let failing = route(&["ward"], None, vec![failing_step()]);
    let good = Routes::clone(&rig.routes.load());
    rig.routes.store(Arc::new(routes(vec![failing])));
    let partner = Partner::start([]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let first = rig.receive("M1").await;
    rig.until(&lane, |s| s.parked == 1).await;
    rig.routes.store(Arc::new(good));
    rig.receive("M2").await;
    rig.settled(&lane, 2).await;
    assert_eq!(partner.control_ids(), ["M2"]);
    let outcome = rig.outcome("ward", first);
    assert_eq!((outcome.kind, outcome.attempts), (OutcomeKind::Parked, 0));
    let reason = outcome.reason.unwrap();
    assert!(reason.contains("ward names"), "{reason}");
    assert!(!reason.contains("4711"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_also_helps_the_message_that_is_stuck() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AE")]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    rig.receive("M1").await;
    rig.until(&lane, |s| matches!(s.state, LaneState::Retrying { .. }))
        .await;
    let kind = StepKind::DropSegment {
        segment: "PV1".parse().unwrap(),
    };
    let step = Step::new("no visit", 1, None, kind).unwrap();
    let all = routes(vec![route(&["ward"], None, vec![step])]);
    rig.routes.store(Arc::new(all));
    rig.settled(&lane, 1).await;
    let [first, second] = &partner.received()[..] else {
        panic!()
    };
    assert!(first.windows(3).any(|w| w == b"PV1") && !second.windows(3).any(|w| w == b"PV1"));
}

#[tokio::test(start_paused = true)]
async fn a_template_that_fails_parks_the_message_and_a_good_one_is_posted() {
    let rig = Rig::new(&["web"]);
    let mut templates = Templates::new();
    templates
        .add(
            "good",
            TemplateFormat::Json,
            "{\"id\": {{ v(\"MSH-10\") }}}".to_owned(),
        )
        .unwrap();
    let all = vec![route(&["web"], None, Vec::new())];
    rig.routes
        .store(Arc::new(Routes::new(all, Tables::default(), templates)));
    for (template, parked) in [("good", 0), ("missing", 1)] {
        let partner = Partner::start([]).await;
        let mut http = HttpSettings::new(format!("http://{}", partner.address()));
        http.template = Some(template.to_owned());
        let settings = DestinationSettings::new(template, DestinationKind::Http(http));
        rig.routes.rcu(|routes| {
            let all = vec![route(&[template], None, Vec::new())];
            Routes::new(all, Tables::default(), routes.templates().clone())
        });
        let lane = rig.start(settings).await;
        rig.receive("M1").await;
        let status = rig
            .until(&lane, |s| {
                s.parked + s.retries > 0 || partner.connections() > 0
            })
            .await;
        assert_eq!(status.parked, parked, "{template}");
    }
}
