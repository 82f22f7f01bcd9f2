//! How a request is turned away: by an answer, never by a closed socket, since the API server repeats no review whose
//! connection broke, but does repeat one that is answered by `503` with `Retry-After`.

use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Why a request is answered before anyone looks at what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// The body broke off.
    BrokenBody,
    /// The body is longer than a body may be.
    LongBody,
    /// It is not said how long the body is.
    NoContentLength,
    /// The process may not be sent requests yet, or for the moment.
    NotReady,
    /// The body came too slowly.
    SlowBody,
    /// All bodies together would be too long.
    TooManyBytes,
    /// Too many reviews are under way.
    TooManyReviews,
}

impl Rejection {
    /// Its name, as metrics write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BrokenBody => "broken-body",
            Self::LongBody => "long-body",
            Self::NoContentLength => "no-content-length",
            Self::NotReady => "not-ready",
            Self::SlowBody => "slow-body",
            Self::TooManyBytes => "too-many-bytes",
            Self::TooManyReviews => "too-many-reviews",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::LongBody => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoContentLength => StatusCode::LENGTH_REQUIRED,
            Self::NotReady | Self::SlowBody | Self::TooManyBytes | Self::TooManyReviews => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::BrokenBody => "the body broke off\n",
            Self::LongBody => "the body is longer than is allowed here\n",
            Self::NoContentLength => "Content-Length: missing, which a request with a body needs here\n",
            Self::NotReady => "not ready; try again\n",
            Self::SlowBody => "the body came too slowly; try again\n",
            Self::TooManyBytes => "too many bodies at once; try again\n",
            Self::TooManyReviews => "too many reviews at once; try again\n",
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.text()).into_response();
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
