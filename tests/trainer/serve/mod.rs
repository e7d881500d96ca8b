//! The inference server, asked over loopback as SageMaker asks it: the real program, plain sockets.

mod answers;
mod limits;
mod many;
pub(crate) mod server;
mod start;
