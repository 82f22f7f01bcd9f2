//! A state of the model: what the cluster contains, and what each replica knows and does.

/// A set of CAs: bit n is the CA with number n.
pub(crate) type CaMask = u8;

/// The number of a CA that no replica created.
pub(crate) const UNKNOWN_CA: u8 = 7;

/// The first tick: late enough for a clock that is behind.
pub(crate) const START: u8 = 40;

/// The caBundles of a webhook configuration, one for each webhook entry.
pub(crate) type CaBundles = [CaMask; 2];

/// The index in [`Model`](super::model::Model) of a Secret's content or of a replica's memory.
pub(crate) type Index = u16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) now: u8,
    pub(crate) secret: Index,
    pub(crate) configurations: [CaBundles; 2],
    /// How many CAs were created.
    pub(crate) created: u8,
    /// When each CA expires.
    pub(crate) expiries: [u8; 8],
    pub(crate) replicas: [Replica; 3],
    /// How many failures of replicas may still happen.
    pub(crate) failures: u8,
    /// How many external changes may still happen.
    pub(crate) external_changes: u8,
    /// For how long each CA has been in every caBundle, up to the propagation delay.
    pub(crate) trusted_for: [u8; 8],
    /// The CAs that were in every caBundle until an external change removed them, and that are not back yet.
    pub(crate) damaged: CaMask,
    /// How often replicas wrote since the last tick.
    pub(crate) writes: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Replica {
    pub(crate) is_up: bool,
    pub(crate) access: Access,
    pub(crate) phase: Phase,
    /// By how much its clock is wrong.
    pub(crate) skew: i8,
    pub(crate) certificate: Option<ServingCertificate>,
    pub(crate) unknown_cas: Index,
    pub(crate) has_written: bool,
    /// What was read in this pass so far.
    pub(crate) read: ReadData,
    /// Whether that is still current, so that a write is accepted: the Secret, then each configuration.
    pub(crate) is_current: [bool; 3],
    /// What was last read completely, and when, by the replica's clock.
    pub(crate) last_read: Option<(ReadData, u8)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ReadData {
    pub(crate) secret: Index,
    /// When the Secret was read, by the replica's clock.
    pub(crate) since: u8,
    pub(crate) configurations: [CaBundles; 2],
}

/// What a replica does next in its pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    /// The pass is over.
    #[default]
    Idle,
    Read(usize),
    Issue,
    Write(usize),
    ChangeCas,
}

/// What a replica can access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Access {
    #[default]
    Everything,
    Secret,
    Configurations,
    Nothing,
    /// It does nothing but serve its certificate, and continues later in the middle of its pass.
    Suspended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ServingCertificate {
    pub(crate) issuer: u8,
    pub(crate) not_before: u8,
    pub(crate) not_after: u8,
    pub(crate) choice: Choice,
}

/// Why a replica took its certificate from a CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Choice {
    /// It could have used a trusted CA.
    Unforced,
    /// It had no valid certificate, and no CA in the Secret had been trusted for the propagation delay, or all CAs that
    /// it had read were lost.
    NoTrustedCa,
    /// It had no valid certificate and had not read the CAs for longer than the CA overlap.
    StaleCas,
}

/// A step from one state to the next. The first number is the replica, the second the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Begin,
    Tick,
    ReadSecret(usize),
    ReadConfiguration(usize, usize),
    FailToRead(usize),
    Issue(usize),
    WriteCaBundles(usize, usize),
    FailToWrite(usize),
    Conflict(usize),
    Add(usize),
    Trust(usize),
    Retire(usize),
    Crash(usize),
    Start(usize),
    LoseAccess(usize, Access),
    Recover(usize),
    SkewClock(usize, i8),
    SetClock(usize),
    DeleteSecret,
    DamageCa(u8),
    DamageCaBundle(usize, usize, CaMask),
}

impl State {
    /// The CAs that have expired by a clock that shows `now`.
    pub(crate) fn expired(&self, now: u8) -> CaMask {
        let expired = self.expiries.iter().zip(0..).filter(|(expiry, _)| **expiry <= now);
        expired.fold(0, |all, (_, number)| all | 1 << number)
    }

    /// The certificates in use that are valid at `now`.
    pub(crate) fn served_certificates(&self, now: u8) -> impl Iterator<Item = ServingCertificate> {
        self.replicas.iter().filter_map(move |replica| {
            replica.certificate.filter(|certificate| replica.is_up && certificate.not_after > now)
        })
    }

    pub(crate) fn with(&self, index: usize, replica: Replica) -> Self {
        let mut after = *self;
        after.replicas[index] = replica;
        after
    }

    pub(crate) fn set_secret(&mut self, secret: Index) {
        self.secret = secret;
        self.replicas.iter_mut().for_each(|replica| replica.is_current[0] = false);
    }

    pub(crate) fn set_ca_bundles(&mut self, configuration: usize, ca_bundles: CaBundles) {
        self.configurations[configuration] = ca_bundles;
        self.replicas.iter_mut().for_each(|replica| replica.is_current[1 + configuration] = false);
    }
}

impl Replica {
    pub(crate) fn clock(&self, now: u8) -> u8 {
        now.saturating_add_signed(self.skew)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.is_up && self.access != Access::Suspended
    }

    pub(crate) fn can_access_secret(&self) -> bool {
        matches!(self.access, Access::Everything | Access::Secret)
    }

    pub(crate) fn can_access_configurations(&self) -> bool {
        matches!(self.access, Access::Everything | Access::Configurations)
    }
}

pub(crate) fn has(cas: CaMask, number: u8) -> bool {
    cas & (1 << number) != 0
}
