//! Content appears in the journal and at the destinations it was routed to, and nowhere else.
//!
//! Every field of many messages holds a mark, good and bad messages alike, and so do the replies of partners and the names of
//! files. Then everything that a person or a program could read is searched for it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tracing_subscriber::fmt::MakeWriter;
use wardwire::engine::control::Request;

use crate::support::engine::TestEngine;
use crate::support::partner::{Does, Partner};
use crate::support::peer::{Sender, frame};

const MARK: &str = "CANARY7Q";

/// Everything that this process logs, from the first test here on.
struct Log(Mutex<Vec<u8>>);

impl io::Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for &'static Log {
    type Writer = &'a Log;

    fn make_writer(&'a self) -> &'a Log {
        self
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<&'static Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log: &'static Log = Box::leak(Box::new(Log(Mutex::default())));
        let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
        all.with_ansi(false).with_writer(log).init();
        log
    })
}

fn holds_mark(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, MARK.as_bytes()).is_some()
}

/// An HTTP server whose refusals repeat the mark.
async fn web() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            if stream.read(&mut request).await.is_ok() {
                let reply = format!(
                    "HTTP/1.1 422 {MARK}\r\nX-Patient: {MARK}\r\nContent-Length: 8\r\n\r\n{MARK}"
                );
                drop(stream.write_all(reply.as_bytes()).await);
            }
        }
    });
    address.to_string()
}

fn config(partner: &str, web: &str, security: &str) -> String {
    format!(
        r#"
{security}
[source.adt]
type = "mllp"
listen = "127.0.0.1:0"
max_frame = "64KiB"
processing = ["P"]

[source.drop]
type = "directory"
path = "in"
every = "10ms"

[[route]]
name = "refused by steps"
from = ["adt", "drop"]
when = 'PID-5 exists'
steps = ["fail"]
to = ["parked"]
also = true

[[route]]
name = "all"
from = ["adt", "drop"]
to = ["archive", "board", "web", "dead"]

[[steps.fail]]
name = "units"
map = "PID-5"
table = "units"
miss = "error"

[table.units]
values = {{ "A" = "B" }}

[template.note]
format = "json"
source = '{{ "name": {{{{ v("PID-5.1") }}}}, "x": {{{{ 1 / (v("PID-5")|length - v("PID-5")|length) }}}} }}'

[destination.archive]
type = "file"
path = "out/{{source}}/{{type}}_{{event}}.hl7"

[destination.parked]
type = "http"
url = "http://{web}/"
template = "note"

[destination.board]
type = "mllp"
connect = "{partner}"

[destination.web]
type = "http"
url = "http://{web}/"

[destination.dead]
type = "mllp"
connect = "127.0.0.1:9"
"#
    )
}

/// Messages with the mark in every field that is free to have it, and in every field that is not.
fn messages() -> Vec<Vec<u8>> {
    let header = |fields: &[(usize, &str)]| {
        let mut header: Vec<String> = ["MSH", "^~\\&"].map(str::to_owned).to_vec();
        header.extend((3..=21).map(|_| MARK.to_owned()));
        for (number, value) in [(9, "ADT^A01"), (11, "P"), (12, "2.5.1"), (15, ""), (16, "")]
            .iter()
            .chain(fields)
        {
            (*value).clone_into(&mut header[number - 1]);
        }
        header.join("|")
    };
    let body: String = ["EVN", "PID", "PV1", "OBX", "ORC", "OBR", "ZZZ", MARK]
        .map(|name| {
            format!(
                "\r{name}{}",
                format!("|{MARK}^{MARK}&{MARK}~{MARK}\\{MARK}").repeat(20)
            )
        })
        .concat();
    let whole = |fields: &[(usize, &str)]| (header(fields) + &body + "\r").into_bytes();
    let mut all = vec![whole(&[])];
    for field in [9, 11, 12, 15, 16, 18] {
        all.push(whole(&[(field, MARK), (10, &format!("{MARK}{field}"))]));
    }
    all.push(whole(&[(9, &format!("ADT^{MARK}"))]));
    all.push(whole(&[(9, &format!("{MARK}^A01"))]));
    all.push(whole(&[(10, "")]));
    all.push(whole(&[(18, "UNICODE UTF-16")]));
    all.push(whole(&[(9, "ACK"), (10, "X")]));
    all.push(format!("{MARK}|{MARK}").into_bytes());
    all.push(format!("MSH|^~^&|{MARK}|||||||{MARK}{body}").into_bytes());
    all.push(
        format!(
            "BHS|^~\\&|{MARK}\r{MARK}\r{}BTS|{MARK}\r",
            header(&[(10, "B")]) + &body + "\r"
        )
        .into_bytes(),
    );
    all.push(whole(&[(10, &"C".repeat(70_000))]));
    all
}

/// Sends everything, in frames good and bad, and by file.
async fn send_all(engine: &TestEngine) {
    for message in messages() {
        let mut sender = engine.sender("adt").await;
        sender.write(frame(&message)).await;
        sender.close_writing().await;
        while sender.try_reply().await.is_some() {}
    }
    let good = &messages()[0];
    let cut = [&[0x0B], &good[..300], &[0x0B], &good[..200]].concat();
    for bytes in [
        cut,
        good.clone(),
        MARK.repeat(100).into_bytes(),
        [&good[..90], b"\x1C", MARK.as_bytes()].concat(),
    ] {
        let mut sender: Sender = engine.sender("adt").await;
        sender.write(bytes).await;
        sender.close_writing().await;
        while sender.try_reply().await.is_some() {}
    }
    let whole = String::from_utf8(good.clone()).unwrap();
    engine.write(&format!("in/{MARK}.hl7"), whole.replacen(MARK, "OTHER", 1));
    engine.write(&format!("in/{MARK}.bad"), MARK);
    let (done, failed) = (
        format!("in/done/{MARK}.hl7"),
        format!("in/failed/{MARK}.bad"),
    );
    let folder = engine.path().to_owned();
    engine
        .until("files are read", |_| {
            folder.join(&done).exists() && folder.join(&failed).exists()
        })
        .await;
    assert!(!holds_mark(&engine.read(&format!("{failed}.error.txt"))));
}

/// Every question and command there is, and what is answered.
async fn ask_all(engine: &TestEngine) -> String {
    let id = engine.engine().journal().parked("board")[0].to_string();
    let to = || ("board".to_owned(), id.clone());
    let mut said = engine.engine().summary().to_string();
    let unknown = "3-1f40".to_owned();
    let (board, first) = to();
    for request in [
        Request::Status,
        Request::Replay {
            id: first.clone(),
            to: board.clone(),
        },
        Request::Park {
            id: first.clone(),
            to: "dead".into(),
            reason: "why".into(),
        },
        Request::Discard {
            id: first,
            to: "dead".into(),
            reason: "why".into(),
        },
        Request::Replay {
            id: unknown,
            to: board,
        },
        Request::Reload {
            discard: Vec::new(),
        },
    ] {
        let answer = engine.ask(&request).await;
        said.push_str(&answer.text);
        said.push_str(&answer.data.to_string());
        said.extend([format!("{request:?}"), format!("{answer:?}")]);
    }
    let (engine, report) = (engine.engine(), engine.engine().report());
    said + &format!("{engine:?} {report:?}")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.file_type().unwrap().is_file() {
            found.push(entry.path());
        }
    }
    found
}

async fn run(security: &str) -> TestEngine {
    log();
    let script = [
        Does::AcksOther("AR", MARK),
        Does::AcksOtherThen(MARK, "AR"),
        Does::Acks("AE"),
        Does::Acks("AR"),
    ];
    let partner = Partner::start(script).await;
    let mut engine = TestEngine::prepared(&config(&partner.address(), &web().await, security));
    engine.write_secret("journal.key", &"5e".repeat(32));
    engine.restart().await;
    send_all(&engine).await;
    engine
        .until("everybody but the dead one is done", |engine| {
            engine
                .report()
                .destinations
                .iter()
                .all(|one| one.name == "dead" || one.backlog == 0)
        })
        .await;
    for destination in ["board", "parked", "web"] {
        assert!(
            !engine.engine().journal().parked(destination).is_empty(),
            "{destination} parked something"
        );
    }
    let said = ask_all(&engine).await;
    assert!(!holds_mark(said.as_bytes()), "{said}");
    let drained = engine.stop().await;
    assert!(!holds_mark(drained.to_string().as_bytes()));
    engine
}

fn check_log() {
    let log = log().0.lock().unwrap();
    let text = String::from_utf8_lossy(&log);
    assert!(
        text.contains("TRACE") && text.contains("parked"),
        "something was logged"
    );
    let line = text.lines().find(|line| line.contains(MARK));
    assert_eq!(line, None);
}

#[tokio::test]
async fn content_is_in_the_journal_and_at_the_destinations_and_nowhere_else() {
    let engine = run("").await;
    check_log();
    let mut logs = 0;
    for path in files(&engine.path().join("data")) {
        assert!(!path.to_string_lossy().contains(MARK), "{}", path.display());
        let journal = path.extension().is_some_and(|end| end == "log");
        let marked = holds_mark(&std::fs::read(&path).unwrap());
        assert!(journal || !marked, "{}", path.display());
        logs += u32::from(journal && marked);
    }
    assert!(logs > 0, "the journal is where it is");
    let out = files(&engine.path().join("out"));
    assert!(
        out.iter()
            .all(|path| !path.to_string_lossy().contains(MARK))
    );
    assert!(
        out.iter()
            .any(|path| holds_mark(&std::fs::read(path).unwrap()))
    );
}

#[tokio::test]
async fn encrypted_it_is_not_in_the_data_folder_either() {
    let engine = run("[security]\nencrypt = \"file:journal.key\"").await;
    check_log();
    for path in files(&engine.path().join("data")) {
        assert!(
            !holds_mark(&std::fs::read(&path).unwrap()),
            "{}",
            path.display()
        );
    }
}

#[test]
fn faults_of_a_configuration_do_not_repeat_codes_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[source.adt]\ntype = \"mllp\"\nlisten = \"127.0.0.1:0\"\n[security]\nencrypt = \"{MARK}\"\n\
         [table.units]\nfile = \"units.csv\"\n[destination.web]\ntype = \"http\"\nurl = \"http://a\"\n\
         bearer = \"{MARK}\"\nheaders = {{ \"X-Key\" = \"file:key\" }}\n"
    );
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    std::fs::write(
        folder.path().join("units.csv"),
        format!("{MARK},1\n{MARK},2\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("key"), MARK).unwrap();
    let origin = wardwire::config::Origin::File(folder.path().join("config.toml"));
    let error = wardwire::config::load(&origin).unwrap_err();
    assert_eq!(error.faults().len(), 4, "{error}");
    assert!(
        !holds_mark(format!("{error} {error:?}").as_bytes()),
        "{error}"
    );
}
