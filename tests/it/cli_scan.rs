//! `birddog scan` on input that is not what it should be: it says so, and does not exit as if all were well.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn scan(input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
    command.args(["scan", "--rules", "rules"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const EVENT: &[u8] = b"{\"did\":\"did:plc:a\",\"time_us\":1,\"kind\":\"identity\",\"identity\":{}}\n";

#[test]
fn a_compressed_file_is_refused_with_the_remedy() {
    let gzip = b"\x1F\x8B\x08\0\0\0\0\0\0\x03\xAB\xE5\x02\0\x3D\xF5\x21\x36\x03\0\0\0";
    let output = scan(gzip);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("gzip -dc FILE | birddog scan"), "{said}");
}

#[test]
fn input_without_one_event_fails_and_a_single_event_or_nothing_at_all_does_not() {
    let output = scan(b"not json\nneither is this\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("events=2") && stderr(&output).contains("not one line"));
    for fine in [&[EVENT, b"not json\n"].concat()[..], b"", b"\n\n"] {
        let output = scan(fine);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}
