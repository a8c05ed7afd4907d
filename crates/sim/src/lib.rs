//! A Riot Games API on localhost, with a living, generated world.
