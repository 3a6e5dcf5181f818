//! The binary: the allocator, the TLS provider, and over to the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Two TLS providers in one process panic at the first handshake; the first to be installed wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    birddog::cli::main()
}
