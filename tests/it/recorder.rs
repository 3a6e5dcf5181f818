//! What a recording of `shim/disk.c` says, and the folder as a power loss would have left it.
//!
//! The model of the disk: what was written to a file before a sync of it began is there after the sync. What was not
//! synced is there, is not there, or is there in part, in sectors of 512 bytes, each write by itself and in no order.
//! Names (of files made, renamed or removed) become durable in order, all of them with any sync in their folder, as on
//! file systems with a journal; what is left of them is a beginning of the rest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::dice::Dice;

const HEAD_BYTES: usize = 32;
const SECTOR_BYTES: usize = 512;
/// How the names of the store's files begin.
const STORE: &str = "birddog.db";

/// One record.
#[derive(Clone, Debug)]
struct Record {
    op: u8,
    inode: u64,
    at: u64,
    name: String,
    new_name: String,
    data: Vec<u8>,
    /// Bytes of the recording up to its end.
    end: u64,
}

/// A recording, read whole.
pub(crate) struct Recording {
    records: Vec<Record>,
}

impl Recording {
    pub(crate) fn read(path: &Path) -> Self {
        let recording = Self::read_whole_records(path);
        let bytes = fs::metadata(path).unwrap().len();
        assert_eq!(bytes, recording.bytes_before(recording.len()), "the recording ends within a record");
        recording
    }

    fn read_whole_records(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let (mut records, mut rest) = (Vec::new(), &bytes[..]);
        while let Some((record, after)) = record(rest, bytes.len()) {
            records.push(record);
            rest = after;
        }
        Self { records }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Bytes of the recording before record `number`.
    pub(crate) fn bytes_before(&self, number: usize) -> u64 {
        number.checked_sub(1).map_or(0, |last| self.records[last].end)
    }

    /// Appends to the recording at `path` what sets what it says apart from what is in `folder`: SIGKILL may fall
    /// between a write and its record, or into either.
    pub(crate) fn catch_up(path: &Path, folder: &Path) {
        let recording = Self::read_whole_records(path);
        let mut disk = Disk::default();
        disk.advance(&recording, recording.len());
        let log = File::options().write(true).open(path).unwrap();
        log.set_len(recording.bytes_before(recording.len())).unwrap();
        drop(log);
        let mut log = File::options().append(true).open(path).unwrap();
        let said = disk.whole();
        for (name, before) in &said {
            match fs::read(folder.join(name)) {
                Ok(now) => correct(&mut log, inode(&folder.join(name)), before, &now),
                Err(_) => append(&mut log, b'U', 0, 0, name, b""),
            }
        }
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let is_new = name.starts_with(STORE) && !name.ends_with("-shm") && !said.contains_key(&name);
            if is_new {
                append(&mut log, b'C', inode(&entry.path()), 0, &name, b"");
                correct(&mut log, inode(&entry.path()), b"", &fs::read(entry.path()).unwrap());
            }
        }
    }

    /// Numbers of the records of standard output: what was announced there can be relied on.
    pub(crate) fn announcements(&self) -> Vec<usize> {
        (0..self.len()).filter(|&number| self.records[number].op == b'O').collect()
    }

    /// What was written to standard output in the first `count` records.
    pub(crate) fn announced(&self, count: usize) -> String {
        let lines = self.records[..count].iter().filter(|record| record.op == b'O');
        String::from_utf8(lines.flat_map(|record| record.data.clone()).collect()).unwrap()
    }

    /// How many of the records are syncs.
    pub(crate) fn syncs(&self) -> usize {
        self.records.iter().filter(|record| record.op == b'S').count()
    }
}

/// Makes the recording say that the file holds `now`, no longer `before`.
fn correct(log: &mut File, inode: u64, before: &[u8], now: &[u8]) {
    if before.len() != now.len() {
        append(log, b'T', inode, now.len() as u64, "", b"");
    }
    for (number, sector) in now.chunks(SECTOR_BYTES).enumerate() {
        let at = number * SECTOR_BYTES;
        let known = before.get(at..before.len().min(at + SECTOR_BYTES)).unwrap_or_default();
        let is_known = known == sector || (at >= before.len() && sector.iter().all(|&byte| byte == 0));
        if !is_known {
            append(log, b'W', inode, at as u64, "", sector);
        }
    }
}

fn append(log: &mut File, op: u8, inode: u64, at: u64, name: &str, data: &[u8]) {
    let mut record = b"BDR1".to_vec();
    record.extend([op, name.len() as u8, 0, 0]);
    record.extend((data.len() as u64).to_le_bytes());
    record.extend(inode.to_le_bytes());
    record.extend(at.to_le_bytes());
    log.write_all(&[&record, name.as_bytes(), data].concat()).unwrap();
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn record(bytes: &[u8], whole: usize) -> Option<(Record, &[u8])> {
    let head = bytes.get(..HEAD_BYTES)?;
    assert_eq!(&head[..4], b"BDR1", "the recording is damaged");
    let number = |range: std::ops::Range<usize>| u64::from_le_bytes(head[range].try_into().unwrap());
    let name_bytes = usize::from(head[5]);
    let new_name_bytes = usize::from(u16::from_le_bytes([head[6], head[7]]));
    let data_bytes = (number(8..16) & 0xFFFF_FFFF) as usize;
    let mut rest = &bytes[HEAD_BYTES..];
    let mut take = |count: usize| rest.split_off(..count).map(<[u8]>::to_vec);
    let (name, new_name, data) = (take(name_bytes)?, take(new_name_bytes)?, take(data_bytes)?);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (op, inode, at, end) = (head[4], number(16..24), number(24..32), (whole - rest.len()) as u64);
    Some((Record { op, inode, at, name: text(name), new_name: text(new_name), data, end }, rest))
}

/// A change that no sync has made durable yet, with the bytes of the recording before it.
#[derive(Clone)]
enum Change {
    Write { at: u64, data: Vec<u8> },
    Truncate { length: u64 },
}

#[derive(Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<(u64, Change)>,
}

#[derive(Clone)]
enum Naming {
    Make { name: String, file: usize },
    Remove { name: String },
    Rename { from: String, to: String },
}

/// The disk after some records: what is durable, and what is not yet.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    files: Vec<Content>,
    by_inode: BTreeMap<u64, usize>,
    names: BTreeMap<String, usize>,
    renaming: Vec<Naming>,
    done: usize,
}

impl Disk {
    /// Goes on to the first `count` records.
    pub(crate) fn advance(&mut self, recording: &Recording, count: usize) {
        for number in self.done..count {
            self.take(&recording.records[number], recording.bytes_before(number));
        }
        self.done = self.done.max(count);
    }

    fn take(&mut self, record: &Record, before: u64) {
        match record.op {
            b'C' => {
                self.files.push(Content::default());
                self.by_inode.insert(record.inode, self.files.len() - 1);
                self.renaming.push(Naming::Make { name: record.name.clone(), file: self.files.len() - 1 });
            }
            b'W' => {
                let (at, data) = (record.at, record.data.clone());
                self.file(record.inode).pending.push((before, Change::Write { at, data }));
            }
            b'T' => self.file(record.inode).pending.push((before, Change::Truncate { length: record.at })),
            b'S' => self.sync(record.inode, record.at),
            b'U' => self.renaming.push(Naming::Remove { name: record.name.clone() }),
            b'R' => {
                let (from, to) = (record.name.clone(), record.new_name.clone());
                self.renaming.push(Naming::Rename { from, to });
            }
            b'O' => {}
            op => panic!("unknown record {op}"),
        }
    }

    fn file(&mut self, inode: u64) -> &mut Content {
        &mut self.files[self.by_inode[&inode]]
    }

    fn sync(&mut self, inode: u64, begun: u64) {
        for naming in std::mem::take(&mut self.renaming) {
            self.name(naming);
        }
        if inode != 0 {
            let file = self.file(inode);
            for (before, change) in std::mem::take(&mut file.pending) {
                if before < begun {
                    change.apply(&mut file.durable)
                } else {
                    file.pending.push((before, change))
                }
            }
        }
    }

    fn name(&mut self, naming: Naming) {
        match naming {
            Naming::Make { name, file } => _ = self.names.insert(name, file),
            Naming::Remove { name } => _ = self.names.remove(&name),
            Naming::Rename { from, to } => {
                if let Some(file) = self.names.remove(&from) {
                    self.names.insert(to, file);
                }
            }
        }
    }

    /// Writes to `folder` what a power loss here leaves, as the dice fall.
    pub(crate) fn lose_power(&self, folder: &Path, dice: &mut Dice) {
        let mut left = self.clone();
        let kept = dice.below(left.renaming.len() as u64 + 1) as usize;
        for naming in self.renaming[..kept].iter().cloned() {
            left.name(naming);
        }
        for (name, &number) in &left.names {
            let Content { mut durable, pending } = left.files[number].clone();
            for (_, change) in pending {
                change.apply_in_part(&mut durable, dice);
            }
            fs::write(folder.join(name), durable).unwrap();
        }
    }

    /// What is in the files now, as a process without a power loss would read it.
    pub(crate) fn whole(&self) -> BTreeMap<String, Vec<u8>> {
        let mut now = self.clone();
        for naming in std::mem::take(&mut now.renaming) {
            now.name(naming);
        }
        let read = |(name, number): (&String, &usize)| {
            let Content { mut durable, pending } = now.files[*number].clone();
            pending.into_iter().for_each(|(_, change)| change.apply(&mut durable));
            (name.clone(), durable)
        };
        now.names.iter().map(read).collect()
    }
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { at, data } => write(bytes, at as usize, &data),
            Self::Truncate { length } => bytes.resize(length as usize, 0),
        }
    }

    /// There, not there, or torn.
    fn apply_in_part(self, bytes: &mut Vec<u8>, dice: &mut Dice) {
        match (dice.below(3), self) {
            (0, _) => {}
            (1, Self::Write { at, data }) => {
                for (number, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                    if dice.per_mille(500) {
                        write(bytes, at as usize + number * SECTOR_BYTES, sector);
                    }
                }
            }
            (_, whole) => whole.apply(bytes),
        }
    }
}

fn write(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    let end = at + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(data);
}

#[test]
fn what_was_synced_survives_a_power_loss_and_what_was_not_may_not() {
    let record = |op, inode, at, name: &str, data: &[u8]| {
        let (name, new_name, data) = (name.to_owned(), String::new(), data.to_vec());
        Record { op, inode, at, name, new_name, data, end: 0 }
    };
    let mut records = vec![
        record(b'C', 7, 0, "db", b""),
        record(b'W', 7, 0, "", &[1; 1024]),
        record(b'S', 7, 2, "", b""),
        record(b'W', 7, 0, "", &[2; 1024]),
        record(b'C', 8, 0, "db-wal", b""),
    ];
    records.iter_mut().zip(1..).for_each(|(record, end)| record.end = end);
    let recording = Recording { records };
    let mut disk = Disk::default();
    disk.advance(&recording, recording.len());
    assert_eq!(disk.whole(), [("db".to_owned(), vec![2; 1024]), ("db-wal".to_owned(), vec![])].into());
    let (mut seen, mut wals) = (std::collections::BTreeSet::new(), 0);
    let mut dice = Dice::new(1);
    for _ in 0..100 {
        let folder = tempfile::tempdir().unwrap();
        disk.lose_power(folder.path(), &mut dice);
        let db = fs::read(folder.path().join("db")).unwrap();
        seen.insert((db[0], db[512]));
        wals += usize::from(folder.path().join("db-wal").exists());
    }
    assert_eq!(seen, [(1, 1), (1, 2), (2, 1), (2, 2)].into(), "each half by itself");
    assert!((1..100).contains(&wals), "{wals}");
}
