//! `linden` from outside: whole commands by exit code, stdout and stderr; following against a scripted service, and whole
//! commands against one on a port; the request over a real socket; conditional writes against an S3 that answers late, twice or not at all; runs against a SageMaker that refuses, forgets and throttles
//! by script; and a job from file to model on the SageMaker on this machine.

#[cfg(test)]
mod account;
#[cfg(test)]
mod after;
#[cfg(test)]
mod comfort;
#[cfg(test)]
mod end_to_end;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod follow_long;
#[cfg(test)]
mod infra;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod models;
#[cfg(test)]
mod predict;
#[cfg(test)]
mod preflight;
#[cfg(test)]
mod preflight_account;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod program;
#[cfg(test)]
mod promote;
#[cfg(test)]
mod request;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod service;
#[cfg(test)]
mod store;
#[cfg(test)]
mod submitting;
#[cfg(test)]
mod timeline;
