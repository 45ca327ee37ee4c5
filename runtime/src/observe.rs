//! A hook around every op of a run: instruction counts on boards, layer-by-layer comparison on hosts.

use exactum_num::codes::Codes;

/// Called by [`Engine::run_observed`](crate::Engine::run_observed) around every op, in program order.
///
/// Both methods do nothing unless overridden, so an observer that is not there costs nothing.
pub trait Observer {
    /// Op `op` is about to run.
    fn before(&mut self, op: usize) {
        let _ = op;
    }

    /// Op `op` has written `output`.
    fn after(&mut self, op: usize, output: Codes<'_>) {
        let _ = (op, output);
    }
}

/// Observes nothing.
impl Observer for () {}
