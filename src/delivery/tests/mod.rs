//! Lanes against partners: a journal on disk, real sockets, stopped time.

mod ending;
mod file;
mod http;
mod https;
mod lane;
mod log;
mod mllp;
mod operator;
#[path = "../../../tests/it/support/partner.rs"]
mod partner;
mod rig;
mod routes;
