//! Requests per cycle, counted at the server.
