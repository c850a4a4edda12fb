//! Lanes against partners: a journal on disk, real sockets, stopped time.

mod ending;
mod file;
mod http;
mod lane;
mod mllp;
mod operator;
#[path = "../../../tests/it/support/partner.rs"]
mod partner;
mod rig;
mod routes;
