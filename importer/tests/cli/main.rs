//! The `exactum` command as its users see it: exit status, standard output and standard error of every subcommand
//! and of every kind of failing input, compared with the texts in `snapshots/`.
//!
//! `BLESS=1` writes the texts anew. Inputs are made here, so that each test shows what is wrong with its file.

mod boards;
mod commands;
mod comparison;
mod containers;
mod conversions;
mod emitted;
mod failures;
mod input_rules;
mod inputs;
mod keeping;
mod layers;
mod models;
mod orders;
mod outside;
mod report;
mod session;
mod warnings;
