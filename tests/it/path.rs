//! The whole path: a byte on the wire becomes an acknowledged, journaled, delivered message.

use crate::support::engine::TestEngine;
use crate::support::peer::{admission, field};

const CONFIG: &str = r#"
[source.adt]
type = "mllp"
listen = "127.0.0.1:0"

[[route]]
name = "all"
from = ["adt"]
to = ["archive"]

[destination.archive]
type = "file"
path = "out/all.hl7"
"#;

#[tokio::test]
async fn a_message_is_acknowledged_kept_and_delivered_byte_for_byte() {
    let mut engine = TestEngine::start(CONFIG).await;
    let mut sender = engine.sender("adt").await;
    let message = admission("C1");
    let reply = sender.exchange(&message).await;
    assert_eq!(
        (field(&reply, "MSA", 1), field(&reply, "MSA", 2)),
        ("AA".into(), "C1".into())
    );
    engine.until_delivered().await;
    assert_eq!(
        String::from_utf8(engine.read("out/all.hl7")).unwrap(),
        message
    );
    let entries = engine.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].raw, message.as_bytes());
    assert_eq!(entries[0].acknowledgments[0], reply.as_bytes());
    assert_eq!(engine.stop().await.busy, Vec::<String>::new());
}
