//! How likely it is that an account is played by somebody other than its rank says, and why.
