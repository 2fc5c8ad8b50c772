//! The proxies, and what each request does to them.

use std::collections::BTreeMap;

use super::failure::Failure;
use super::proxy::{Described, Proxy};
use super::toxic::Toxic;

/// What is done outside. Errors are sentences for the client.
pub(crate) trait Carrier {
    /// The numeric form of an address to listen at.
    fn resolve(&mut self, listen: &str) -> Result<String, String>;

    /// Begins to carry a proxy, and says where it listens.
    fn start(&mut self, proxy: &Proxy) -> Result<String, String>;

    /// Listens no longer, and ends the proxy's connections. It may be started again.
    fn stop(&mut self, name: &str);

    /// Gives up the address of a proxy that is stopped. A start after this is a first one.
    fn remove(&mut self, name: &str);

    /// The toxics of a proxy have changed.
    fn set_toxics(&mut self, proxy: &Proxy);
}

/// All proxies, by name.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    proxies: BTreeMap<String, Proxy>,
}

/// What became of a populate: those that were created or left, and what stopped it.
#[derive(Debug)]
pub(crate) struct Populated {
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) failure: Option<Failure>,
}

impl Collection {
    pub(crate) fn all(&self) -> &BTreeMap<String, Proxy> {
        &self.proxies
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Proxy, Failure> {
        self.proxies.get(name).ok_or_else(Failure::proxy_not_found)
    }

    fn get_mut(&mut self, name: &str) -> Result<&mut Proxy, Failure> {
        self.proxies.get_mut(name).ok_or_else(Failure::proxy_not_found)
    }

    /// Adds the proxy that a request describes. One that cannot be started is not added.
    pub(crate) fn create(&mut self, body: &str, carrier: &mut dyn Carrier) -> Result<&Proxy, Failure> {
        let described = Described::new_one(body)?;
        if self.proxies.contains_key(&described.name) {
            return Err(Failure::proxy_exists());
        }
        let name = described.name.clone();
        self.add(described, carrier)?;
        self.get(&name)
    }

    fn add(&mut self, described: Described, carrier: &mut dyn Carrier) -> Result<(), Failure> {
        let start = described.enabled;
        let mut proxy = Proxy {
            name: described.name,
            listen: described.listen,
            upstream: described.upstream,
            ..Proxy::default()
        };
        if start {
            started(&mut proxy, carrier)?;
        }
        self.proxies.insert(proxy.name.clone(), proxy);
        Ok(())
    }

    /// Changes where a proxy listens or leads, and whether it is enabled. A change of address ends its connections. One
    /// that cannot be started again stays, disabled, with its new address.
    pub(crate) fn update(
        &mut self,
        name: &str,
        body: &str,
        carrier: &mut dyn Carrier,
    ) -> Result<&Proxy, Failure> {
        let proxy = self.get_mut(name)?;
        let wanted = Described::change_of(proxy, body)?;
        if differs(proxy, &wanted, carrier)? {
            stopped(proxy, carrier);
            if proxy.listen != wanted.listen {
                carrier.remove(name);
            }
            proxy.listen = wanted.listen;
            proxy.upstream = wanted.upstream;
        }
        match (proxy.enabled, wanted.enabled) {
            (false, true) => started(proxy, carrier)?,
            (true, false) => stopped(proxy, carrier),
            _ => {}
        }
        Ok(proxy)
    }

    pub(crate) fn delete(&mut self, name: &str, carrier: &mut dyn Carrier) -> Result<(), Failure> {
        self.get(name)?;
        carrier.stop(name);
        carrier.remove(name);
        self.proxies.remove(name);
        Ok(())
    }

    /// Adds or replaces what a list describes. All of it is checked first; one that is there with these addresses is
    /// left as it is, toxics included; the first that fails ends it, and those before it stay.
    pub(crate) fn populate(&mut self, body: &str, carrier: &mut dyn Carrier) -> Populated {
        let mut populated = Populated {
            proxies: Vec::new(),
            failure: None,
        };
        let described = match Described::several(body) {
            Ok(described) => described,
            Err(failure) => {
                populated.failure = Some(failure);
                return populated;
            }
        };
        for described in described {
            match self.add_or_replace(described, carrier) {
                Ok(proxy) => populated.proxies.push(proxy),
                Err(failure) => {
                    populated.failure = Some(failure);
                    break;
                }
            }
        }
        populated
    }

    fn add_or_replace(&mut self, wanted: Described, carrier: &mut dyn Carrier) -> Result<Proxy, Failure> {
        let name = wanted.name.clone();
        if let Some(existing) = self.proxies.get_mut(&name) {
            if !differs(existing, &wanted, carrier)? {
                return Ok(existing.clone());
            }
            stopped(existing, carrier);
            carrier.remove(&name);
        }
        self.add(wanted, carrier)?;
        self.get(&name).cloned()
    }

    /// Enables every proxy and takes all toxics away. Where one cannot be started the others are, and then it is said;
    /// Toxiproxy stops there, with the rest as it was.
    pub(crate) fn reset(&mut self, carrier: &mut dyn Carrier) -> Result<(), Failure> {
        let mut first_failure = Ok(());
        for proxy in self.proxies.values_mut() {
            if !proxy.toxics.is_empty() {
                proxy.toxics.clear();
                carrier.set_toxics(proxy);
            }
            if !proxy.enabled {
                first_failure = first_failure.and(started(proxy, carrier));
            }
        }
        first_failure
    }

    pub(crate) fn add_toxic(
        &mut self,
        proxy: &str,
        body: &str,
        carrier: &mut dyn Carrier,
    ) -> Result<Toxic, Failure> {
        let proxy = self.get_mut(proxy)?;
        let toxic = proxy.toxics.add(body)?.clone();
        carrier.set_toxics(proxy);
        Ok(toxic)
    }

    pub(crate) fn update_toxic(
        &mut self,
        proxy: &str,
        name: &str,
        body: &str,
        carrier: &mut dyn Carrier,
    ) -> Result<Toxic, Failure> {
        let proxy = self.get_mut(proxy)?;
        let toxic = proxy.toxics.update(name, body)?.clone();
        carrier.set_toxics(proxy);
        Ok(toxic)
    }

    pub(crate) fn remove_toxic(
        &mut self,
        proxy: &str,
        name: &str,
        carrier: &mut dyn Carrier,
    ) -> Result<(), Failure> {
        let proxy = self.get_mut(proxy)?;
        proxy.toxics.remove(name)?;
        carrier.set_toxics(proxy);
        Ok(())
    }
}

/// Whether a proxy has other addresses than wanted. Toxiproxy compares (since 2.12) the numeric form of the wanted
/// address with what the proxy says; so `localhost:0` is always another.
fn differs(proxy: &Proxy, wanted: &Described, carrier: &mut dyn Carrier) -> Result<bool, Failure> {
    let listen = carrier.resolve(&wanted.listen).map_err(Failure::outside)?;
    Ok(proxy.listen != listen || proxy.upstream != wanted.upstream)
}

fn started(proxy: &mut Proxy, carrier: &mut dyn Carrier) -> Result<(), Failure> {
    proxy.listen = carrier.start(proxy).map_err(Failure::outside)?;
    proxy.enabled = true;
    Ok(())
}

fn stopped(proxy: &mut Proxy, carrier: &mut dyn Carrier) {
    if proxy.enabled {
        carrier.stop(&proxy.name);
        proxy.enabled = false;
    }
}
