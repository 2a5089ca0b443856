//! Who a process acts for: getuid, setuid and their like for groups of users.

use crate::errno::Errno;

/// Means "leave it as it is" to other calls than these, and is nobody's number.
const NO_ID: u32 = u32::MAX;

/// User and group of a process. Real, effective and saved ones are the same, because setuid and setgid are the only ways to
/// change any of them: the superuser changes all at once, and nobody else can change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    uid: u32,
    gid: u32,
}

impl Credentials {
    pub(super) const SUPERUSER: Self = Self { uid: 0, gid: 0 };

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
        self.uid = uid;
        Ok(())
    }

    /// setgid
    pub(crate) fn set_gid(&mut self, gid: u32) -> Result<(), Errno> {
        self.check_change(self.gid, gid)?;
        self.gid = gid;
        Ok(())
    }

    /// Whether a process that has these may send a signal to one that has those.
    pub(super) fn may_signal(self, target: Self) -> bool {
        self.is_superuser() || self.uid == target.uid
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let user = Credentials { uid: 5, gid: 0 };
        assert!(user.may_signal(Credentials { uid: 5, gid: 9 }));
        assert!(!user.may_signal(Credentials { uid: 6, gid: 0 }));
        assert!(!user.may_signal(Credentials::SUPERUSER));
        assert!(Credentials::SUPERUSER.may_signal(user));
    }
}
