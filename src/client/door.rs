//! Asking the anonymous ping: remembered between cycles, and at most once in each.

use http::Method;

use super::{
    Client, Refusal,
    judge::server_error,
    ping::{Ping, PingKind},
};
use crate::{
    auth,
    exchange::{Operation, Reply, Request},
    oci,
};

impl Client {
    /// The anonymous ping: remembered between cycles for an hour, else asked.
    pub async fn ping(&self) -> Result<Ping, Refusal> {
        if let Some(ping) = self.known_ping() {
            return Ok(ping);
        }
        self.ping_again().await
    }

    /// The anonymous ping, asked in this cycle; at most once.
    pub(super) async fn ping_again(&self) -> Result<Ping, Refusal> {
        {
            let cycle = self.cycle();
            if let Some(refusal) = &cycle.fatal {
                return Err(refusal.clone());
            }
            if let (true, Some(ping)) = (cycle.ping_asked, &cycle.ping) {
                return Ok(ping.clone());
            }
        }
        let url = oci::endpoints::ping(&self.target.url);
        let result = self
            .send_ping(Request::new(Operation::Ping, Method::GET, url))
            .await;
        let mut cycle = self.cycle();
        match &result {
            Ok(ping) => {
                cycle.ping_asked = true;
                cycle.ping = Some(ping.clone());
                cycle.sight.ping(ping);
                match ping.kind {
                    PingKind::Unusable(..) => self.memory.forget_ping(&self.origin),
                    _ => self.memory.keep_ping(&self.origin, ping),
                }
            }
            Err(refusal @ Refusal::Fatal(..)) => cycle.fatal = Some(refusal.clone()),
            Err(_) => {}
        }
        result
    }

    async fn send_ping(&self, request: Request) -> Result<Ping, Refusal> {
        let unreachable = "The registry cannot be reached";
        let mut reply = self
            .send(&request)
            .await
            .map_err(|failure| failure.of_door(unreachable))?;
        if let Some(next) = self.own_redirect(&request, &reply) {
            reply = self
                .send(&next)
                .await
                .map_err(|failure| failure.of_door(unreachable))?;
        }
        if (500..600).contains(&reply.status) {
            return Err(server_error("`/v2/`", &reply));
        }
        Ok(Ping::judge(&reply, &self.target.host()))
    }

    fn known_ping(&self) -> Option<Ping> {
        let known = self.cycle().ping.clone();
        known.or_else(|| {
            let ping = self.memory.ping(&self.origin)?;
            let mut cycle = self.cycle();
            cycle.ping = Some(ping.clone());
            cycle.sight.ping(&ping);
            Some(ping)
        })
    }

    /// A redirect of a registry to itself, followed once and by the callers that may.
    pub(super) fn own_redirect(&self, request: &Request, reply: &Reply) -> Option<Request> {
        if !matches!(reply.status, 301 | 302 | 307 | 308) {
            return None;
        }
        let location = reply.header("location")?;
        let place = auth::resolve_location(&request.url, location, &self.target.url)?;
        (place.own_origin && place.url != request.url).then(|| Request {
            url: place.url,
            ..request.clone()
        })
    }
}
