//! Posts as large as a frame may be, all of them matching, while agents list and claim as much as they can.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use birddog::feed::FeedOptions;
use serde_json::json;

use crate::dice::now_us;
use crate::frames;
use crate::process::{Client, Feed, PATIENCE, Site, until};
use crate::proof::{self, Proof};

/// Almost the largest frame that is taken.
const TEXT_BYTES: usize = (2 << 20) - 4_096;
/// All that the daemon may ever have needed.
const MEMORY_MAX: u64 = 200 << 20;
/// No answer is longer: the most that birddog's own client reads.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Who list and claim at once.
const AGENTS: usize = 8;

fn posts(count: u64) -> impl Iterator<Item = String> {
    (0..count).map(|number| {
        let text = format!("acme {number} {}", "down-in-every-region ".repeat(TEXT_BYTES / 21));
        frames::post(&frames::did(&format!("p{number}")), &format!("k{number}"), now_us(), &text)
    })
}

/// Asks over a connection of its own and counts what comes, without keeping it; `None` when nothing does in time.
fn answer_bytes(client: &Client, method: &str, path: &str, body: &str) -> Option<usize> {
    let address = client.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let (mut bytes, mut part) = (0, vec![0; 64 << 10]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => return (bytes > 0).then_some(bytes),
            Ok(count) => bytes += count,
            Err(_) => return None,
        }
    }
}

/// One agent's appetite: the length of each answer.
fn ask(client: &Client, agent: usize) -> [Option<usize>; 3] {
    let claim = json!({"team": "support", "agent": format!("agent{agent}"), "lease": "1s", "max": 100});
    [
        answer_bytes(client, "GET", "/api/v1/items?limit=1000", ""),
        answer_bytes(client, "GET", "/api/v1/items?limit=1000&state=claimed", ""),
        answer_bytes(client, "POST", "/api/v1/queue/claim", &claim.to_string()),
    ]
}

/// All agents at once; the length of each answer.
fn ask_all(client: &Client, rounds: u64) -> Vec<Option<usize>> {
    std::thread::scope(|scope| {
        let ask = |agent| move || (0..rounds).flat_map(|_| ask(client, agent)).collect::<Vec<_>>();
        let agents: Vec<_> = (0..AGENTS).map(|agent| scope.spawn(ask(agent))).collect();
        agents.into_iter().flat_map(|agent| agent.join().unwrap()).collect()
    })
}

#[test]
fn posts_of_two_megabytes_and_greedy_agents_cost_no_more_memory_than_any_other_load() {
    let proof = Proof::of("posts of 2 MB that all match, listed and claimed by 8 agents at once");
    let (count, rounds) = (proof::count(40, 100), proof::count(1, 2));
    let feed = Feed::serve(FeedOptions::lines(posts(count)));
    let site = Site::with_one_rule(&feed.url(), "0s");
    let mut daemon = site.start();
    let client = daemon.listening();
    let stored = || client.metrics().sum("birddog_items_stored_total", &[]);
    until("the first posts are stored", || (stored() > 0).then_some(()));
    let mut answers = ask_all(&client, rounds);
    let mut before = 0;
    while before < count {
        before = until("more posts are stored", || Some(stored()).filter(|now| *now > before));
    }
    answers.extend(ask_all(&client, rounds));
    let peak = daemon.peak_bytes().unwrap();
    assert_eq!(client.text("/livez").0, 200);
    daemon.stop();
    let longest = answers.iter().flatten().copied().max().unwrap_or_default();
    let unanswered = answers.iter().filter(|answer| answer.is_none()).count();
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what)
        }
    };
    check(peak <= MEMORY_MAX, format!("{} MiB of memory at the peak", peak >> 20));
    check(longest <= ANSWER_BYTES_MAX, format!("an answer of {} MiB", longest >> 20));
    check(unanswered == 0, format!("{unanswered} of {} questions without an answer", answers.len()));
    let result = format!("0 lost; {} MiB of memory, answers of {} MiB at most", peak >> 20, longest >> 20);
    proof.verdict(format_args!("{count} posts, {} questions", answers.len()), result, wrong);
}
