//! Posts that are repeated, and how often: a post, the reposts and quotes of it, and the quotes of those.
//!
//! A cluster begins with a stored post, its root, and holds what an amplification needs to recompute the priority
//! of its items without asking the store. A quote that joined is an alias: what repeats it joins the same cluster.
//! Known posts, roots and aliases alike, leave in the order in which they came, by time and by count.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::time::Duration;

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::Config;
use super::authors::Authors;
use crate::model::{Factors, ItemId, Key, Lane, Steady};

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

/// A post by its whole identity. In memory posts are found by that alone: nothing is computed from it that must not be
/// guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PostId<'a> {
    /// Network name.
    pub network: &'a str,
    /// The post's URI.
    pub uri: &'a str,
}

impl PostId<'_> {
    /// Both parts in one text; no network's name has a space in it.
    fn joined(self) -> Box<str> {
        [self.network, " ", self.uri].concat().into_boxed_str()
    }

    fn is(self, joined: &str) -> bool {
        joined.len() == self.network.len() + 1 + self.uri.len()
            && joined.starts_with(self.network)
            && joined.ends_with(self.uri)
    }
}

/// Where a cluster is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootRef {
    hash: u64,
    /// The cluster's id.
    pub id: Key,
}

/// A root post and what became of it.
#[derive(Debug)]
pub struct Cluster {
    /// Key of the event that made the root post.
    pub id: Key,
    /// Key of the root's author.
    pub author: Key,
    /// When the cluster began.
    pub opened_at: Steady,
    /// Its items, one a team, in the order in which they were made.
    pub items: SmallVec<[ClusterItem; 1]>,
    size: u32,
    /// Authors known only as a number, from before a restart.
    authors_before: u32,
    /// None while nobody but the root's author is known: most posts are never repeated.
    authors: Option<Box<Authors>>,
    is_dirty: bool,
}

impl Cluster {
    fn new(id: Key, author: Key, opened_at: Steady) -> Self {
        Self {
            id,
            author,
            opened_at,
            items: SmallVec::new(),
            size: 1,
            authors_before: 0,
            authors: None,
            is_dirty: false,
        }
    }

    fn insert_author(&mut self, author: Key) {
        let root_author = self.author.low();
        if author.low() != root_author {
            self.authors.get_or_insert_with(|| Box::new(Authors::of(root_author))).insert(author.low());
        }
    }

    fn authors_here(&self) -> u32 {
        self.authors.as_ref().map_or(1, |authors| authors.count())
    }

    /// Posts, reposts and quotes, the root included.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Different authors among them: exact up to 16, then within about 7% (standard error), and never above the size.
    #[must_use]
    pub fn authors(&self) -> u32 {
        self.authors_before.saturating_add(self.authors_here()).min(self.size)
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

/// A known post.
#[derive(Debug)]
struct Known {
    hash: u64,
    arrived_at: Steady,
    /// [`PostId::joined`].
    identity: Box<str>,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Root(Box<Cluster>),
    /// A quote that joined. Its root may be gone.
    Alias(Box<RootRef>),
}

/// All clusters that can still grow. One owner; no locks.
#[derive(Debug)]
pub struct Clusters {
    window: Duration,
    known_max: usize,
    /// Boxed, so that the table, which doubles as it grows, is no more than pointers.
    known: HashTable<Box<Known>>,
    seed: foldhash::fast::RandomState,
    /// Hashes of known posts by time of arrival; those removed since are passed over.
    arrivals: VecDeque<(u64, Steady)>,
    dirty: Vec<RootRef>,
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
            known: HashTable::new(),
            seed: foldhash::fast::RandomState::default(),
            arrivals: VecDeque::new(),
            dirty: Vec::new(),
            evicted: 0,
            has_forgotten: false,
        }
    }

    /// Begins the cluster `id` with a post by `author`.
    pub fn open(&mut self, post: PostId<'_>, id: Key, author: Key, at: Steady) -> Opened<'_> {
        self.make_room(at);
        let hash = self.hash(post);
        if let Some(known) = self.known.find(hash, |known| post.is(&known.identity)) {
            if !matches!(&known.part, Part::Alias(root) if !self.is_root(**root)) {
                return Opened::Known;
            }
            // An alias whose root is gone.
            self.remove(post);
        }
        match self.insert(post, hash, Part::Root(Box::new(Cluster::new(id, author, at))), at) {
            Part::Root(cluster) => Opened::New(cluster),
            Part::Alias(_) => Opened::Known,
        }
    }

    /// Adds one repost by `actor`, or the post with which they quoted it, to a cluster.
    pub fn join(&mut self, root: RootRef, actor: Key, quote: Option<PostId<'_>>, at: Steady) {
        let Some(cluster) = self.root_mut(root) else { return };
        cluster.size = cluster.size.saturating_add(1);
        cluster.insert_author(actor);
        if !std::mem::replace(&mut cluster.is_dirty, true) {
            self.dirty.push(root);
        }
        if let Some(quote) = quote {
            self.make_room(at);
            if !self.is_known(quote) {
                let hash = self.hash(quote);
                self.insert(quote, hash, Part::Alias(Box::new(root)), at);
            }
        }
    }

    /// The cluster to which a post belongs.
    #[must_use]
    pub fn root_of(&self, post: PostId<'_>) -> Option<RootRef> {
        let hash = self.hash(post);
        match &self.known.find(hash, |known| post.is(&known.identity))?.part {
            Part::Root(cluster) => Some(RootRef { hash, id: cluster.id }),
            Part::Alias(root) => self.is_root(**root).then_some(**root),
        }
    }

    /// The cluster that begins with this post.
    #[must_use]
    pub fn rooted_in(&self, post: PostId<'_>) -> Option<RootRef> {
        let hash = self.hash(post);
        match &self.known.find(hash, |known| post.is(&known.identity))?.part {
            Part::Root(cluster) => Some(RootRef { hash, id: cluster.id }),
            Part::Alias(_) => None,
        }
    }

    /// The cluster itself, unless it is gone.
    pub fn root_mut(&mut self, root: RootRef) -> Option<&mut Cluster> {
        match &mut self.known.find_mut(root.hash, |known| known.is_root(root))?.part {
            Part::Root(cluster) => Some(cluster),
            Part::Alias(_) => None,
        }
    }

    /// True when the post is known, as the root of a cluster or as a part of one.
    #[must_use]
    pub fn is_known(&self, post: PostId<'_>) -> bool {
        self.known.find(self.hash(post), |known| post.is(&known.identity)).is_some()
    }

    /// Forgets a known post; gives the cluster when it was the root of one.
    pub fn remove(&mut self, post: PostId<'_>) -> Option<Box<Cluster>> {
        let hash = self.hash(post);
        self.take(hash, |known| post.is(&known.identity))
    }

    /// Forgets a cluster.
    pub fn remove_root(&mut self, root: RootRef) {
        self.take(root.hash, |known| known.is_root(root));
    }

    fn take(&mut self, hash: u64, is_meant: impl Fn(&Known) -> bool) -> Option<Box<Cluster>> {
        match self.known.find_entry(hash, |known| is_meant(known)).ok()?.remove().0.part {
            Part::Root(cluster) => Some(cluster),
            Part::Alias(_) => None,
        }
    }

    fn insert(&mut self, post: PostId<'_>, hash: u64, part: Part, at: Steady) -> &mut Part {
        self.arrivals.push_back((hash, at));
        let known = Box::new(Known { hash, arrived_at: at, identity: post.joined(), part });
        &mut self.known.insert_unique(hash, known, |known| known.hash).into_mut().part
    }

    fn hash(&self, post: PostId<'_>) -> u64 {
        self.seed.hash_one(post)
    }

    fn is_root(&self, root: RootRef) -> bool {
        self.known.find(root.hash, |known| known.is_root(root)).is_some()
    }

    /// Roots of the clusters that grew since the last call, in the order in which they first did.
    pub fn take_grown(&mut self) -> Vec<RootRef> {
        let grown = std::mem::take(&mut self.dirty);
        for &root in &grown {
            if let Some(cluster) = self.root_mut(root) {
                cluster.is_dirty = false;
            }
        }
        grown
    }

    /// After a restart: counts that the joins replayed so far do not account for are taken over as numbers.
    pub fn restore_counts(&mut self, root: RootRef, size: u32, authors: u32) {
        if let Some(cluster) = self.root_mut(root) {
            cluster.size = cluster.size.max(size);
            cluster.authors_before = authors.saturating_sub(cluster.authors_here());
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

    fn make_room(&mut self, now: Steady) {
        let oldest = now - self.window;
        while self.arrivals.front().is_some_and(|&(_, at)| at < oldest) {
            self.forget_oldest();
        }
        if self.arrivals.len() >= self.known_max && self.forget_oldest() {
            self.evicted += 1;
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let Some((hash, arrived_at)) = self.arrivals.pop_front() else { return false };
        // Whatever came later under the same identity stands further back.
        match self.known.find_entry(hash, |known| known.arrived_at == arrived_at) {
            Ok(known) => drop(known.remove()),
            Err(_) => return false,
        }
        self.has_forgotten = true;
        true
    }
}

impl Known {
    fn is_root(&self, root: RootRef) -> bool {
        matches!(&self.part, Part::Root(cluster) if cluster.id == root.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Steady = Steady::from_micros(1_000_000_000_000);

    fn clusters(known_max: usize) -> Clusters {
        Clusters::new(&Config { clusters_max: known_max, ..Config::default() })
    }

    fn uri(post: u128) -> String {
        format!("at://{post}")
    }

    fn id(uri: &str) -> PostId<'_> {
        PostId { network: "bluesky", uri }
    }

    fn open(clusters: &mut Clusters, post: u128, author: u128, at: Steady) -> bool {
        matches!(clusters.open(id(&uri(post)), Key(post), Key(author), at), Opened::New(_))
    }

    fn root_of(clusters: &Clusters, post: u128) -> Option<u128> {
        clusters.root_of(id(&uri(post))).map(|root| root.id.0)
    }

    fn cluster(clusters: &mut Clusters, post: u128) -> &mut Cluster {
        let root = clusters.rooted_in(id(&uri(post))).unwrap();
        clusters.root_mut(root).unwrap()
    }

    /// What repeats `subject` joins its cluster; gives the cluster's id.
    fn join(clusters: &mut Clusters, subject: u128, actor: u128, alias: Option<u128>) -> Option<u128> {
        let root = clusters.root_of(id(&uri(subject)))?;
        let quote = alias.map(uri);
        clusters.join(root, Key(actor), quote.as_deref().map(id), NOW);
        Some(root.id.0)
    }

    #[test]
    fn posts_are_told_apart_by_network_and_uri() {
        let mut clusters = clusters(10);
        assert!(open(&mut clusters, 1, 100, NOW));
        for (network, uri) in
            [("json", "at://1"), ("bluesky", "at://11"), ("blue", "sky at://1"), ("bluesky", "t://1")]
        {
            assert!(!clusters.is_known(PostId { network, uri }), "{network} {uri}");
        }
        assert!(clusters.is_known(id("at://1")));
    }

    #[test]
    fn a_repost_of_a_quote_that_joined_joins_the_same_cluster() {
        let mut clusters = clusters(10);
        assert!(open(&mut clusters, 1, 100, NOW));
        assert_eq!(join(&mut clusters, 1, 101, Some(2)), Some(1));
        assert_eq!(join(&mut clusters, 2, 102, Some(3)), Some(1));
        assert_eq!(join(&mut clusters, 3, 101, None), Some(1));
        assert_eq!(join(&mut clusters, 9, 101, None), None);
        assert!(!open(&mut clusters, 2, 101, NOW));
        let cluster = cluster(&mut clusters, 1);
        assert_eq!((cluster.size(), cluster.authors()), (4, 3));
        let grown: Vec<Key> = clusters.take_grown().iter().map(|root| root.id).collect();
        assert_eq!(grown, [Key(1)]);
        assert!(clusters.take_grown().is_empty());
    }

    #[test]
    fn a_deleted_root_takes_its_aliases_with_it() {
        let mut clusters = clusters(10);
        open(&mut clusters, 1, 100, NOW);
        join(&mut clusters, 1, 101, Some(2));
        assert_eq!(clusters.remove(id("at://1")).map(|cluster| cluster.author), Some(Key(100)));
        assert_eq!(join(&mut clusters, 2, 102, None), None);
        assert!(open(&mut clusters, 2, 101, NOW));
        assert_eq!(root_of(&clusters, 2), Some(2));
        assert!(!clusters.is_known(id("at://1")));
    }

    #[test]
    fn the_oldest_leave_by_count_and_by_time() {
        let mut clusters = clusters(2);
        for post in 1..=3 {
            open(&mut clusters, post, 100, NOW);
        }
        assert_eq!((clusters.len(), clusters.evicted(), root_of(&clusters, 1)), (2, 1, None));
        open(&mut clusters, 4, 100, NOW + Duration::from_secs(49 * 3600));
        assert_eq!((clusters.len(), clusters.evicted(), clusters.has_forgotten()), (1, 1, true));
    }

    #[test]
    fn counts_from_before_a_restart_go_on() {
        let mut clusters = clusters(10);
        open(&mut clusters, 1, 100, NOW);
        let root = clusters.rooted_in(id("at://1")).unwrap();
        clusters.restore_counts(root, 40, 30);
        join(&mut clusters, 1, 101, None);
        let cluster = cluster(&mut clusters, 1);
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
