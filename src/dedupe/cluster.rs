//! Posts that are repeated, and how often: a post, the reposts and quotes of it, and the quotes of those.
//!
//! A cluster begins with a stored post, its root, and holds what an amplification needs to recompute the priority
//! of its items without asking the store. A quote that joined is an alias: what repeats it joins the same cluster.
//! Known posts, roots and aliases alike, leave in the order in which they came, by time and by count.

use std::collections::VecDeque;
use std::time::Duration;

use hashbrown::hash_map::Entry;
use smallvec::SmallVec;

use super::Config;
use super::authors::Authors;
use crate::model::{Factors, ItemId, KeyMap, Lane, Timestamp};

/// Reach (see [`amplification`]) at which the factor is 1.
const REACH_FULL: f32 = 10_000.0;

/// How loud a cluster is, 0 (one post) to 1: `min(1, ln(1 + r) / ln(1 + 10,000))` with the reach
/// `r = (authors − 1) + √(size − authors)`, so that ten new voices count as ten and one account's hundred
/// repeats count as ten. Monotone in both. 10 reposters give 0.26, 100 give 0.50, 1,000 give 0.75.
#[must_use]
pub fn amplification(size: u32, authors: u32) -> f32 {
    let authors = authors.clamp(1, size.max(1));
    let repeats = size.saturating_sub(authors) as f32;
    let reach = (authors - 1) as f32 + repeats.sqrt();
    (reach.ln_1p() / REACH_FULL.ln_1p()).min(1.0)
}

/// One item of a cluster; its team is part of its id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterItem {
    /// The item.
    pub id: ItemId,
    /// What its priority was made of.
    pub factors: Factors,
    /// The priority as last written.
    pub score: u8,
    /// The lane as last written.
    pub lane: Lane,
}

/// A root post and what became of it.
#[derive(Debug)]
pub struct Cluster {
    /// Key of the root post.
    pub root: u64,
    /// Key of its author.
    pub author: u64,
    /// When the root was first settled.
    pub first_seen: Timestamp,
    /// Its items, one a team, in the order in which they were made.
    pub items: SmallVec<[ClusterItem; 1]>,
    size: u32,
    /// Authors known only as a number, from before a restart.
    authors_before: u32,
    authors: Authors,
    is_dirty: bool,
}

impl Cluster {
    fn new(root: u64, author: u64, first_seen: Timestamp) -> Self {
        Self {
            root,
            author,
            first_seen,
            items: SmallVec::new(),
            size: 1,
            authors_before: 0,
            authors: Authors::of(author),
            is_dirty: false,
        }
    }

    /// Posts, reposts and quotes, the root included.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Different authors among them: exact up to 16, then within about 7% (standard error), and never above the size.
    #[must_use]
    pub fn authors(&self) -> u32 {
        self.authors_before.saturating_add(self.authors.count()).min(self.size)
    }

    /// The amplification factor now.
    #[must_use]
    pub fn amplification(&self) -> f32 {
        amplification(self.size, self.authors())
    }
}

/// What [`Clusters::open`] found.
#[derive(Debug)]
pub enum Opened<'a> {
    /// A new cluster, still without items.
    New(&'a mut Cluster),
    /// The post is known already, as a root or as part of another cluster.
    Known,
}

#[derive(Debug)]
enum Known {
    Root(Box<Cluster>),
    /// The root's key; the root may be gone.
    Alias(u64),
}

/// All clusters that can still grow. One owner; no locks.
#[derive(Debug)]
pub struct Clusters {
    window: Duration,
    known_max: usize,
    known: KeyMap<Known>,
    /// Known posts by time of arrival; those removed since are passed over.
    arrivals: VecDeque<(u64, Timestamp)>,
    dirty: Vec<u64>,
    evicted: u64,
    has_forgotten: bool,
}

impl Clusters {
    /// No cluster yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            window: config.cluster_window,
            known_max: config.clusters_max.max(1),
            known: KeyMap::default(),
            arrivals: VecDeque::new(),
            dirty: Vec::new(),
            evicted: 0,
            has_forgotten: false,
        }
    }

    /// Begins a cluster with the post `root` by `author`.
    pub fn open(&mut self, root: u64, author: u64, at: Timestamp) -> Opened<'_> {
        self.make_room(at);
        if self.is_orphan(root) {
            self.known.remove(&root);
        }
        match self.known.entry(root) {
            Entry::Occupied(_) => Opened::Known,
            Entry::Vacant(entry) => {
                self.arrivals.push_back((root, at));
                match entry.insert(Known::Root(Box::new(Cluster::new(root, author, at)))) {
                    Known::Root(cluster) => Opened::New(cluster),
                    Known::Alias(_) => Opened::Known,
                }
            }
        }
    }

    /// Adds one repost or quote of `subject` by `actor` and returns the root of the cluster that grew.
    /// `alias` is the key of a quoting post, which may be repeated in its turn.
    pub fn join(&mut self, subject: u64, actor: u64, alias: Option<u64>, at: Timestamp) -> Option<u64> {
        let root = self.root_of(subject)?;
        let Some(Known::Root(cluster)) = self.known.get_mut(&root) else { return None };
        cluster.size = cluster.size.saturating_add(1);
        cluster.authors.insert(actor);
        if !std::mem::replace(&mut cluster.is_dirty, true) {
            self.dirty.push(root);
        }
        if let Some(post) = alias {
            self.make_room(at);
            if let Entry::Vacant(entry) = self.known.entry(post) {
                entry.insert(Known::Alias(root));
                self.arrivals.push_back((post, at));
            }
        }
        Some(root)
    }

    /// The root of the cluster to which `post` belongs.
    #[must_use]
    pub fn root_of(&self, post: u64) -> Option<u64> {
        match self.known.get(&post)? {
            Known::Root(_) => Some(post),
            Known::Alias(root) => matches!(self.known.get(root), Some(Known::Root(_))).then_some(*root),
        }
    }

    /// An alias whose root is gone.
    fn is_orphan(&self, post: u64) -> bool {
        matches!(self.known.get(&post), Some(Known::Alias(_))) && self.root_of(post).is_none()
    }

    /// The cluster whose root is `post`.
    pub fn root_mut(&mut self, post: u64) -> Option<&mut Cluster> {
        match self.known.get_mut(&post)? {
            Known::Root(cluster) => Some(cluster),
            Known::Alias(_) => None,
        }
    }

    /// Forgets a post that is gone. `None` when it is not known; the cluster when it was the root of one.
    pub fn remove(&mut self, post: u64) -> Option<Option<Box<Cluster>>> {
        self.known.remove(&post).map(|known| match known {
            Known::Root(cluster) => Some(cluster),
            Known::Alias(_) => None,
        })
    }

    /// Roots of the clusters that grew since the last call, in the order in which they first did.
    pub fn take_grown(&mut self) -> Vec<u64> {
        let grown = std::mem::take(&mut self.dirty);
        for &root in &grown {
            if let Some(cluster) = self.root_mut(root) {
                cluster.is_dirty = false;
            }
        }
        grown
    }

    /// After a restart: counts that the joins replayed so far do not account for are taken over as numbers.
    pub fn restore_counts(&mut self, root: u64, size: u32, authors: u32) {
        if let Some(cluster) = self.root_mut(root) {
            cluster.size = cluster.size.max(size);
            cluster.authors_before = authors.saturating_sub(cluster.authors.count());
        }
    }

    /// Known posts, roots and aliases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True when no post is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Known posts forgotten before their window ended, since the start.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// True when the store may hold posts that are no longer, or were never, known here.
    #[must_use]
    pub const fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }

    /// Says that the store holds more than was restored.
    pub const fn note_forgotten(&mut self) {
        self.has_forgotten = true;
    }

    fn make_room(&mut self, now: Timestamp) {
        let oldest = now - self.window;
        while self.arrivals.front().is_some_and(|&(_, at)| at < oldest) {
            self.forget_oldest();
        }
        if self.arrivals.len() >= self.known_max && self.forget_oldest() {
            self.evicted += 1;
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let gone = self.arrivals.pop_front().and_then(|(post, _)| self.known.remove(&post)).is_some();
        self.has_forgotten |= gone;
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn clusters(known_max: usize) -> Clusters {
        Clusters::new(&Config { clusters_max: known_max, ..Config::default() })
    }

    #[test]
    fn a_repost_of_a_quote_that_joined_joins_the_same_cluster() {
        let mut clusters = clusters(10);
        assert!(matches!(clusters.open(1, 100, NOW), Opened::New(_)));
        assert_eq!(clusters.join(1, 101, Some(2), NOW), Some(1));
        assert_eq!(clusters.join(2, 102, Some(3), NOW), Some(1));
        assert_eq!(clusters.join(3, 101, None, NOW), Some(1));
        assert_eq!(clusters.join(9, 101, None, NOW), None);
        assert!(matches!(clusters.open(2, 101, NOW), Opened::Known));
        let cluster = clusters.root_mut(1).unwrap();
        assert_eq!((cluster.size(), cluster.authors()), (4, 3));
        assert_eq!(clusters.take_grown(), [1]);
        assert!(clusters.take_grown().is_empty());
    }

    #[test]
    fn a_deleted_root_takes_its_aliases_with_it() {
        let mut clusters = clusters(10);
        clusters.open(1, 100, NOW);
        clusters.join(1, 101, Some(2), NOW);
        assert_eq!(clusters.remove(1).flatten().map(|cluster| cluster.author), Some(100));
        assert_eq!(clusters.join(2, 102, None, NOW), None);
        assert!(matches!(clusters.open(2, 101, NOW), Opened::New(_)));
        assert_eq!(clusters.root_of(2), Some(2));
        assert!(clusters.remove(1).is_none());
    }

    #[test]
    fn the_oldest_leave_by_count_and_by_time() {
        let mut clusters = clusters(2);
        for post in 1..=3 {
            clusters.open(post, 100, NOW);
        }
        assert_eq!((clusters.len(), clusters.evicted(), clusters.root_of(1)), (2, 1, None));
        clusters.open(4, 100, NOW + Duration::from_secs(49 * 3600));
        assert_eq!((clusters.len(), clusters.evicted(), clusters.has_forgotten()), (1, 1, true));
    }

    #[test]
    fn counts_from_before_a_restart_go_on() {
        let mut clusters = clusters(10);
        clusters.open(1, 100, NOW);
        clusters.restore_counts(1, 40, 30);
        clusters.join(1, 101, None, NOW);
        let cluster = clusters.root_mut(1).unwrap();
        assert_eq!((cluster.size(), cluster.authors()), (41, 31));
    }

    #[test]
    fn one_loud_account_is_no_cascade() {
        assert_eq!(amplification(1, 1), 0.0);
        assert!(amplification(1_001, 1) < amplification(40, 40));
        assert!((amplification(101, 101) - 0.5).abs() < 0.01);
        assert_eq!(amplification(u32::MAX, u32::MAX), 1.0);
    }

    proptest! {
        #[test]
        fn amplification_grows_with_posts_and_with_authors(size in 1u32..50_000, authors in 1u32..50_000) {
            let here = amplification(size, authors.min(size));
            prop_assert!((0.0..=1.0).contains(&here));
            prop_assert!(amplification(size + 1, authors.min(size)) >= here);
            prop_assert!(amplification(size + 1, authors.min(size) + 1) >= here);
            prop_assert!(amplification(size, (authors + 1).min(size)) >= here - 1e-6);
        }
    }
}
