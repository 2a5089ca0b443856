//! Who a process acts for: getuid, setuid and their like for groups of users.

use super::table;
use crate::errno::Errno;

/// Means "leave it as it is" to other calls than these, and is nobody's number.
const NO_ID: u32 = u32::MAX;

/// User and group of a process. Real, effective and saved ones are the same, because setuid and setgid are the only ways to
/// change any of them: the superuser changes all at once, and nobody else can change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    uid: u32,
    gid: u32,
    /// Others than the program started with, which may hold what its new user must not see.
    changed: bool,
}

impl Credentials {
    pub(super) const SUPERUSER: Self = Self {
        uid: 0,
        gid: 0,
        changed: false,
    };

    pub(crate) fn uid(self) -> u32 {
        self.uid
    }

    pub(crate) fn gid(self) -> u32 {
        self.gid
    }

    pub(crate) fn is_superuser(self) -> bool {
        self.uid == 0
    }

    /// setuid
    pub(crate) fn set_uid(&mut self, uid: u32) -> Result<(), Errno> {
        self.check_change(self.uid, uid)?;
        self.changed |= self.uid != uid;
        self.uid = uid;
        Ok(())
    }

    /// setgid
    pub(crate) fn set_gid(&mut self, gid: u32) -> Result<(), Errno> {
        self.check_change(self.gid, gid)?;
        self.changed |= self.gid != gid;
        self.gid = gid;
        Ok(())
    }

    /// Whether a process that has these may send a signal to one that has those.
    pub(super) fn may_signal(self, target: Self) -> bool {
        self.is_superuser() || self.uid == target.uid
    }

    /// Whether a process that has these may see the memory of one that has those.
    pub(super) fn may_inspect(self, target: Self) -> bool {
        let is_same = self.uid == target.uid && self.gid == target.gid;
        self.is_superuser() || is_same && !target.changed
    }

    /// The user to whom files about the process belong.
    pub(super) fn owner_of_files(self) -> u32 {
        if self.changed {
            Self::SUPERUSER.uid
        } else {
            self.uid
        }
    }

    /// A new program starts, and has seen nothing yet.
    pub(super) fn start_anew(&mut self) {
        self.changed = false;
    }

    fn check_change(self, from: u32, to: u32) -> Result<(), Errno> {
        if to == NO_ID {
            Err(Errno::EINVAL)
        } else if self.is_superuser() || from == to {
            Ok(())
        } else {
            Err(Errno::EPERM)
        }
    }
}

/// EPERM when the process that runs is not the superuser's.
pub(crate) fn require_superuser() -> Result<(), Errno> {
    if table::with_current(|process| process.is_superuser()) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(uid: u32, gid: u32) -> Credentials {
        Credentials {
            uid,
            gid,
            changed: false,
        }
    }

    #[test]
    fn memory_is_seen_by_the_same_user_unless_it_was_anothers() {
        let user = credentials(5, 6);
        assert!(user.may_inspect(user));
        assert!(Credentials::SUPERUSER.may_inspect(user));
        assert!(!user.may_inspect(credentials(5, 7)) && !user.may_inspect(credentials(7, 6)));
        let mut former_superuser = Credentials::SUPERUSER;
        former_superuser.set_gid(6).unwrap();
        former_superuser.set_uid(5).unwrap();
        assert!(!user.may_inspect(former_superuser));
        assert_eq!(former_superuser.owner_of_files(), 0);
        former_superuser.start_anew();
        assert!(user.may_inspect(former_superuser));
        assert_eq!(former_superuser.owner_of_files(), 5);
    }

    #[test]
    fn who_gives_up_being_superuser_does_not_get_it_back() {
        let mut credentials = Credentials::SUPERUSER;
        assert_eq!(credentials.set_gid(7), Ok(()));
        assert_eq!(credentials.set_uid(1000), Ok(()));
        assert!(!credentials.is_superuser());
        assert_eq!(credentials.set_uid(0), Err(Errno::EPERM));
        assert_eq!(credentials.set_gid(0), Err(Errno::EPERM));
        assert_eq!(credentials.set_uid(1000), Ok(()));
        assert_eq!(credentials.set_gid(7), Ok(()));
        assert_eq!((credentials.uid(), credentials.gid()), (1000, 7));
    }

    #[test]
    fn a_number_that_is_nobodys_cannot_be_set() {
        let mut credentials = Credentials::SUPERUSER;
        assert_eq!(credentials.set_uid(u32::MAX), Err(Errno::EINVAL));
        assert_eq!(credentials.set_gid(u32::MAX), Err(Errno::EINVAL));
    }

    #[test]
    fn signals_go_to_processes_of_the_same_user_and_the_superusers_to_all() {
        let user = credentials(5, 0);
        assert!(user.may_signal(credentials(5, 9)));
        assert!(!user.may_signal(credentials(6, 0)));
        assert!(!user.may_signal(Credentials::SUPERUSER));
        assert!(Credentials::SUPERUSER.may_signal(user));
    }
}
