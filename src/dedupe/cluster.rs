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
use crate::model::{Factors, ItemId, Key, KeyMap, Lane, QuotePost, Steady};

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

/// The post that a cluster begins with.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    /// Its key.
    pub post: Key,
    /// Its URI: whoever comes with the same key and another URI is somebody else.
    pub uri: &'a str,
    /// The cluster's id: key of the event that made the post.
    pub id: Key,
    /// Key of its author.
    pub author: Key,
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
    uri: Box<str>,
    /// Its items, one a team, in the order in which they were made.
    pub items: SmallVec<[ClusterItem; 1]>,
    size: u32,
    /// Authors known only as a number, from before a restart.
    authors_before: u32,
    authors: Authors,
    is_dirty: bool,
}

impl Cluster {
    fn new(root: Root<'_>, opened_at: Steady) -> Self {
        Self {
            id: root.id,
            author: root.author,
            opened_at,
            uri: root.uri.into(),
            items: SmallVec::new(),
            size: 1,
            authors_before: 0,
            authors: Authors::of(root.author.low()),
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
    /// A quote that joined. Its root may be gone.
    Alias {
        /// Key of the root post.
        root: Key,
        uri: Box<str>,
    },
}

impl Known {
    fn uri(&self) -> &str {
        match self {
            Self::Root(cluster) => &cluster.uri,
            Self::Alias { uri, .. } => uri,
        }
    }
}

/// All clusters that can still grow. One owner; no locks.
#[derive(Debug)]
pub struct Clusters {
    window: Duration,
    known_max: usize,
    known: KeyMap<Known>,
    /// Known posts by time of arrival; those removed since are passed over.
    arrivals: VecDeque<(Key, Steady)>,
    dirty: Vec<Key>,
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

    /// Begins a cluster.
    pub fn open(&mut self, root: Root<'_>, at: Steady) -> Opened<'_> {
        self.make_room(at);
        if self.is_orphan(root.post) {
            self.known.remove(&root.post);
        }
        match self.known.entry(root.post) {
            Entry::Occupied(_) => Opened::Known,
            Entry::Vacant(entry) => {
                self.arrivals.push_back((root.post, at));
                match entry.insert(Known::Root(Box::new(Cluster::new(root, at)))) {
                    Known::Root(cluster) => Opened::New(cluster),
                    Known::Alias { .. } => Opened::Known,
                }
            }
        }
    }

    /// Adds one repost by `actor`, or its `quote`, to the cluster with this root.
    pub fn join(&mut self, root: Key, actor: Key, quote: Option<&QuotePost>, at: Steady) {
        let Some(Known::Root(cluster)) = self.known.get_mut(&root) else { return };
        cluster.size = cluster.size.saturating_add(1);
        cluster.authors.insert(actor.low());
        if !std::mem::replace(&mut cluster.is_dirty, true) {
            self.dirty.push(root);
        }
        if let Some(quote) = quote {
            self.make_room(at);
            if let Entry::Vacant(entry) = self.known.entry(quote.key) {
                entry.insert(Known::Alias { root, uri: quote.uri.clone() });
                self.arrivals.push_back((quote.key, at));
            }
        }
    }

    /// Key of the root of the cluster to which a post belongs; `None` also when it is another post with the same key.
    #[must_use]
    pub fn root_of(&self, post: Key, uri: &str) -> Option<Key> {
        let known = self.known.get(&post).filter(|known| known.uri() == uri)?;
        match known {
            Known::Root(_) => Some(post),
            Known::Alias { root, .. } => self.is_root(*root).then_some(*root),
        }
    }

    fn is_root(&self, post: Key) -> bool {
        matches!(self.known.get(&post), Some(Known::Root(_)))
    }

    /// An alias whose root is gone.
    fn is_orphan(&self, post: Key) -> bool {
        matches!(self.known.get(&post), Some(Known::Alias { root, .. }) if !self.is_root(*root))
    }

    /// The cluster whose root has this key.
    pub fn root_mut(&mut self, root: Key) -> Option<&mut Cluster> {
        match self.known.get_mut(&root)? {
            Known::Root(cluster) => Some(cluster),
            Known::Alias { .. } => None,
        }
    }

    /// True when the post is known, as the root of a cluster or as a part of one.
    #[must_use]
    pub fn is_known(&self, post: Key, uri: &str) -> bool {
        self.known.get(&post).is_some_and(|known| known.uri() == uri)
    }

    /// Forgets a known post; gives the cluster when it was the root of one.
    pub fn remove(&mut self, post: Key) -> Option<Box<Cluster>> {
        match self.known.remove(&post)? {
            Known::Root(cluster) => Some(cluster),
            Known::Alias { .. } => None,
        }
    }

    /// Roots of the clusters that grew since the last call, in the order in which they first did.
    pub fn take_grown(&mut self) -> Vec<Key> {
        let grown = std::mem::take(&mut self.dirty);
        for &root in &grown {
            if let Some(cluster) = self.root_mut(root) {
                cluster.is_dirty = false;
            }
        }
        grown
    }

    /// After a restart: counts that the joins replayed so far do not account for are taken over as numbers.
    pub fn restore_counts(&mut self, root: Key, size: u32, authors: u32) {
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
        let Some((post, arrived_at)) = self.arrivals.pop_front() else { return false };
        // A post that was deleted and made again stands here twice: the first of these is not it.
        let is_later =
            |known: &Known| matches!(known, Known::Root(cluster) if cluster.opened_at > arrived_at);
        if self.known.get(&post).is_none_or(is_later) {
            return false;
        }
        self.known.remove(&post);
        self.has_forgotten = true;
        true
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

    fn open(clusters: &mut Clusters, post: u128, author: u128, at: Steady) -> bool {
        let uri = uri(post);
        let root = Root { post: Key(post), uri: &uri, id: Key(post), author: Key(author) };
        matches!(clusters.open(root, at), Opened::New(_))
    }

    fn root_of(clusters: &Clusters, post: u128) -> Option<u128> {
        clusters.root_of(Key(post), &uri(post)).map(|root| root.0)
    }

    /// What repeats `subject` joins its cluster; gives the cluster's root.
    fn join(clusters: &mut Clusters, subject: u128, actor: u128, alias: Option<u128>) -> Option<u128> {
        let root = root_of(clusters, subject)?;
        let quote = alias.map(|post| QuotePost { key: Key(post), uri: uri(post).into() });
        clusters.join(Key(root), Key(actor), quote.as_ref(), NOW);
        Some(root)
    }

    #[test]
    fn a_post_with_the_same_key_and_another_uri_is_not_known() {
        let mut clusters = clusters(10);
        assert!(open(&mut clusters, 1, 100, NOW));
        join(&mut clusters, 1, 101, Some(2));
        for post in [1, 2] {
            assert_eq!(clusters.root_of(Key(post), "at://somebody else"), None);
            assert!(
                !clusters.is_known(Key(post), "at://somebody else")
                    && clusters.is_known(Key(post), &uri(post))
            );
        }
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
        let cluster = clusters.root_mut(Key(1)).unwrap();
        assert_eq!((cluster.size(), cluster.authors()), (4, 3));
        assert_eq!(clusters.take_grown(), [Key(1)]);
        assert!(clusters.take_grown().is_empty());
    }

    #[test]
    fn a_deleted_root_takes_its_aliases_with_it() {
        let mut clusters = clusters(10);
        open(&mut clusters, 1, 100, NOW);
        join(&mut clusters, 1, 101, Some(2));
        assert_eq!(clusters.remove(Key(1)).map(|cluster| cluster.author), Some(Key(100)));
        assert_eq!(join(&mut clusters, 2, 102, None), None);
        assert!(open(&mut clusters, 2, 101, NOW));
        assert_eq!(root_of(&clusters, 2), Some(2));
        assert!(!clusters.is_known(Key(1), &uri(1)));
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
        clusters.restore_counts(Key(1), 40, 30);
        join(&mut clusters, 1, 101, None);
        let cluster = clusters.root_mut(Key(1)).unwrap();
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
