//! The wish that the process should end, told to everyone who runs in it. What each does then is its own business.

use tokio::sync::watch;

/// Told once, heard by all.
#[derive(Clone, Debug)]
pub struct Shutdown {
    sender: watch::Sender<bool>,
    receiver: watch::Receiver<bool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        let (sender, receiver) = watch::channel(false);
        Self { sender, receiver }
    }
}

impl Shutdown {
    /// Asks everyone to end.
    pub fn request(&self) {
        self.sender.send_replace(true);
    }

    /// Whether everyone is to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.receiver.borrow()
    }

    /// Waits until everyone is to end.
    pub async fn requested(&self) {
        // An error says that the sender is gone, which it is not: it is held here.
        let _ = self.receiver.clone().wait_for(|requested| *requested).await;
    }

    /// Asks everyone to end when the operating system asks this process to: by an interrupt from the keyboard, or as
    /// Kubernetes does.
    pub async fn on_signal(&self) {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = tokio::signal::ctrl_c() => {}
                        () = self.requested() => {}
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot listen for SIGTERM, only an interrupt ends this process gracefully");
                    let _ = tokio::signal::ctrl_c().await;
                }
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        self.request();
    }
}
