//! Client tokens: EC2 answers two requests with the same token as one. A claim whose launch was asked for, and whose answer
//! was lost, must find the machine that it has got and not buy a second one.
//!
//! The token follows from the claims alone: it is the same after a restart, when nothing else is remembered. A request that
//! EC2 *has* answered, and that is to be made anew because the answer was a failure, needs another one; how many answers
//! there were is counted in memory, and after a restart the old answers simply come again, one by one.

use dovetail_api::hash;
use std::collections::BTreeMap;

/// Tokens of EC2 are of at most this many ASCII characters.
pub const LONGEST: usize = 64;

/// The token of a request for the claims with these UIDs, after so many answers. The order of the claims does not matter.
#[must_use]
pub fn client_token(uids: &[&str], answers: u32) -> String {
    match uids {
        [uid] if uid.len() <= 48 && uid.bytes().all(|byte| byte.is_ascii_graphic()) => format!("{uid}-{answers}"),
        many => {
            let mut many = many.to_vec();
            many.sort_unstable();
            let all = many.join(",");
            // Two numbers of 64 bits, the second over the reverse: claims that share one by chance do not share both.
            let back: String = all.chars().rev().collect();
            format!("{:016x}{:016x}-{answers}", hash::text(&all), hash::text(&back))
        }
    }
}

/// How many answers each claim's launch has had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, u32>);

impl Answers {
    /// The token of the next request for these claims.
    #[must_use]
    pub fn token(&self, uids: &[&str]) -> String {
        client_token(uids, uids.iter().filter_map(|uid| self.0.get(*uid)).copied().max().unwrap_or(0))
    }

    /// EC2 has answered the claims, with a machine or with errors; a lost answer is none.
    pub fn answered(&mut self, uids: &[&str]) {
        let count = uids.iter().filter_map(|uid| self.0.get(*uid)).copied().max().unwrap_or(0) + 1;
        self.0.extend(uids.iter().map(|uid| ((*uid).to_owned(), count)));
    }

    /// The claim has its machine or is gone.
    pub fn forget(&mut self, uid: &str) {
        self.0.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "3b241101-e2bb-4255-8caf-4136c566a962";

    #[test]
    fn a_request_whose_answer_was_lost_is_the_same_request() {
        let mut answers = Answers::default();
        let first = answers.token(&[UID]);
        assert_eq!(first, answers.token(&[UID]));
        assert_eq!(first, Answers::default().token(&[UID]), "a restart changes nothing");
        answers.answered(&[UID]);
        assert_ne!(first, answers.token(&[UID]), "a new request after a failure is a new one");
        answers.forget(UID);
        assert_eq!(answers, Answers::default());
    }

    #[test]
    fn one_token_stands_for_several_claims_in_any_order() {
        let (a, b) = (client_token(&["uid-1", "uid-2"], 0), client_token(&["uid-2", "uid-1"], 0));
        assert_eq!(a, b);
        assert_ne!(a, client_token(&["uid-1"], 0));
        assert_ne!(a, client_token(&["uid-1", "uid-3"], 0));
    }

    #[test]
    fn ec2_takes_every_token() {
        let long = "x".repeat(300);
        let thousand: Vec<&str> = vec![UID; 1000];
        for token in [
            client_token(&[UID], 7),
            client_token(&[&long], 0),
            client_token(&["ü"], 0),
            client_token(&thousand, u32::MAX),
        ] {
            assert!(token.len() <= LONGEST && token.is_ascii(), "{token}");
        }
    }
}
