//! Makes keys, under the secret of a store.

use std::fmt;

use siphasher::sip128::SipHasher24;
use smallvec::SmallVec;

use super::item::ItemId;
use super::key::Key;
use super::time::Timestamp;

/// What an identity is of: two of different kinds never share a key, however they are spelt.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Post,
    Author,
    Event,
    Deletion,
    AccountEnd,
    Edit,
    Item,
    Alarm,
}

/// Makes keys. Holds the secret of one store; cheap to copy.
#[derive(Clone, Copy)]
pub struct Keyring {
    secret: [u8; 16],
}

impl Keyring {
    /// For commands that run once and keep no store: the same input gives the same keys each time.
    pub const FIXED: Self = Self::new([0; 16]);

    /// The keyring of a store with this secret.
    #[must_use]
    pub const fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    /// The key of a post, whichever of its versions is meant.
    #[must_use]
    pub fn post(&self, network: &str, uri: &str) -> Key {
        self.key(Kind::Post, &[network.as_bytes(), uri.as_bytes()])
    }

    /// The key of an account.
    #[must_use]
    pub fn author(&self, network: &str, id: &str) -> Key {
        self.key(Kind::Author, &[network.as_bytes(), id.as_bytes()])
    }

    /// The key of the event that made the record with this key: one that is deleted and made again has another.
    #[must_use]
    pub fn event(&self, record: Key, version: &str) -> Key {
        self.key(Kind::Event, &[&record.to_bytes(), version.as_bytes()])
    }

    /// The key of the event that deleted a record.
    #[must_use]
    pub fn deletion(&self, record: Key, version: &str) -> Key {
        self.key(Kind::Deletion, &[&record.to_bytes(), version.as_bytes()])
    }

    /// The key of the end of an account: the same account may go, come back and go again.
    #[must_use]
    pub fn account_end(&self, network: &str, id: &str, at: Timestamp) -> Key {
        self.key(Kind::AccountEnd, &[network.as_bytes(), id.as_bytes(), &at.as_micros().to_le_bytes()])
    }

    /// The key of one edit of a post, told from the others by `mark`: an author may edit back and forth.
    #[must_use]
    pub fn edit(&self, post: Key, mark: &[u8]) -> Key {
        self.key(Kind::Edit, &[&post.to_bytes(), mark])
    }

    /// The id of the one item that a team gets for a cluster.
    #[must_use]
    pub fn item(&self, cluster: Key, team: &str) -> ItemId {
        ItemId(self.key(Kind::Item, &[&cluster.to_bytes(), team.as_bytes()]).0)
    }

    /// The key of an alarm, by its own name.
    #[must_use]
    pub fn alarm(&self, name: &str) -> Key {
        self.key(Kind::Alarm, &[name.as_bytes()])
    }

    fn key(&self, kind: Kind, parts: &[&[u8]]) -> Key {
        // Put together first: hashed at once, an identity costs half of what its parts cost one by one.
        let mut identity = SmallVec::<[u8; 192]>::new();
        identity.reserve(1 + parts.len() + parts.iter().map(|part| part.len()).sum::<usize>());
        identity.push(kind as u8);
        for part in parts {
            identity.extend_from_slice(part);
            // No UTF-8 holds this byte; of other parts, all but the last are keys, whose length is known.
            identity.push(0xFF);
        }
        Key(SipHasher24::new_with_key(&self.secret).hash(&identity).as_u128())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(secret)")
    }
}
