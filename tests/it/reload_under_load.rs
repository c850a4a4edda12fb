//! Reloads all the time while messages come in and go out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::engine::TestEngine;
use crate::support::feed::with_board;
use crate::support::partner::Partner;
use crate::support::peer::{Sender, admission};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloading_all_the_time_loses_and_reorders_nothing() {
    const MESSAGES: usize = 50;
    let partner = Partner::start([]).await;
    let configs = [
        with_board(&partner.address()),
        with_board(&partner.address()).replace("20ms", "21ms"),
        with_board(&partner.address())
            + "[source.lab]\ntype = \"mllp\"\nlisten = \"127.0.0.1:0\"\n",
        with_board(&partner.address()).replace(
            "listen = \"127.0.0.1:0\"",
            "listen = \"127.0.0.1:0\"\nmax_connections = 9",
        ),
    ];
    let engine = TestEngine::start(&configs[0]).await;
    let sending = async {
        let mut sender = engine.sender("adt").await;
        for number in 0..MESSAGES {
            // A listener that changes closes its connections: what was not answered is sent again, as senders do.
            let message = admission(&format!("R{number}"));
            while sender.try_exchange(&message).await.is_none() {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let Some(address) = engine.engine().addresses().get("adt").copied() else {
                    continue;
                };
                if let Some(again) = Sender::try_connect(address).await {
                    sender = again;
                }
            }
        }
    };
    // A reload that has begun is let finish: dropped in the middle, it would leave a lane stopped.
    let sent = AtomicBool::new(false);
    let reloading = async {
        let mut reloads = 0;
        while !sent.load(Ordering::Relaxed) {
            engine
                .reload(&configs[reloads % configs.len()])
                .await
                .unwrap();
            reloads += 1;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let sending = async {
        sending.await;
        sent.store(true, Ordering::Relaxed);
    };
    tokio::join!(sending, reloading);
    engine.until_delivered().await;
    let expected: Vec<String> = (0..MESSAGES).map(|number| format!("R{number}")).collect();
    let stored: Vec<_> = engine
        .accepted()
        .into_iter()
        .map(|entry| String::from_utf8(entry.keys.control_id.unwrap().to_vec()).unwrap())
        .collect();
    assert_eq!(stored, expected);
    assert_eq!(partner.control_ids(), expected, "each once, in order");
}
