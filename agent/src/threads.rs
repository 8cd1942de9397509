//! How many threads libraries start in the processes of this program.

use std::process::Command;
use std::thread::available_parallelism;

/// The variable that candle and rayon read.
const RAYON: &str = "RAYON_NUM_THREADS";

/// Sets what libraries read for a process that is about to start.
pub fn limit(command: &mut Command) {
    // FAISS and its BLAS would start a thread a core in each process; the indexes have threads of their own.
    command.env("OMP_NUM_THREADS", "1").env("OPENBLAS_NUM_THREADS", "1");
    // Unless it is told, candle counts the cores anew for each product, from a file with a page of text for each core.
    if std::env::var_os(RAYON).is_none() {
        command.env(RAYON, available_parallelism().map_or(1, usize::from).to_string());
    }
}
