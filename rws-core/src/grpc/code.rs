//! Status codes of calls, and how those of HTTP and HTTP/2 map to them.

use core::fmt;

use crate::Status;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident $digits:literal $spelling:literal;)+) => {
        /// How a call went.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum Code { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The number as it stands in `grpc-status`.
            pub const fn digits(self) -> &'static str {
                match self { $(Code::$name => $digits,)+ }
            }

            /// The name as it is written in documents: `NOT_FOUND`.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$name => $spelling,)+ }
            }
        }
    };
}

codes! {
    /// All went well.
    0 Ok "0" "OK";
    /// The caller does not want the answer any more.
    1 Cancelled "1" "CANCELLED";
    /// Something failed that nobody has a code for.
    2 Unknown "2" "UNKNOWN";
    /// The request makes no sense, whatever state the service is in.
    3 InvalidArgument "3" "INVALID_ARGUMENT";
    /// The time was over before the answer was there.
    4 DeadlineExceeded "4" "DEADLINE_EXCEEDED";
    /// What was asked for is not there.
    5 NotFound "5" "NOT_FOUND";
    /// What was to be made is there already.
    6 AlreadyExists "6" "ALREADY_EXISTS";
    /// The caller is known, and may not.
    7 PermissionDenied "7" "PERMISSION_DENIED";
    /// A quota, a limit or memory is used up.
    8 ResourceExhausted "8" "RESOURCE_EXHAUSTED";
    /// The state of the service has to change first.
    9 FailedPrecondition "9" "FAILED_PRECONDITION";
    /// A conflict with somebody else's call: try again from the start.
    10 Aborted "10" "ABORTED";
    /// Beyond an end, which may move.
    11 OutOfRange "11" "OUT_OF_RANGE";
    /// The service has no such method, or the method does not do that.
    12 Unimplemented "12" "UNIMPLEMENTED";
    /// Something that must hold does not.
    13 Internal "13" "INTERNAL";
    /// Not now: the same call may work later.
    14 Unavailable "14" "UNAVAILABLE";
    /// Data is lost for good.
    15 DataLoss "15" "DATA_LOSS";
    /// It is not known who calls.
    16 Unauthenticated "16" "UNAUTHENTICATED";
}

/// What Connect answers a call with that its caller has given up. Nobody has registered it.
const CLIENT_CLOSED_REQUEST: Status = match Status::new(499) {
    Some(status) => status,
    None => Status::BAD_REQUEST,
};

impl Code {
    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code with this number; [`Code::Unknown`] for numbers that have no name.
    pub fn from_number(number: u32) -> Code {
        usize::try_from(number)
            .ok()
            .and_then(|number| Code::ALL.get(number))
            .copied()
            .unwrap_or(Code::Unknown)
    }

    /// The code in a value of `grpc-status`: one to nine digits. [`Code::Unknown`] for anything else.
    pub fn from_value(value: &[u8]) -> Code {
        if value.is_empty() || value.len() > 9 || !value.iter().all(u8::is_ascii_digit) {
            return Code::Unknown;
        }
        let number = value.iter().fold(0_u32, |number, digit| {
            number.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
        });
        Code::from_number(number)
    }

    /// What a caller makes of an answer of HTTP's that says nothing about the call.
    pub fn of_http(status: Status) -> Code {
        match status.code() {
            400 => Code::Internal,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502..=504 => Code::Unavailable,
            _ => Code::Unknown,
        }
    }

    /// The status of HTTP that says about the same, for protocols that answer with one (Connect, JSON).
    pub const fn http(self) -> Status {
        match self {
            Code::Ok => Status::OK,
            Code::Cancelled => CLIENT_CLOSED_REQUEST,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => Status::BAD_REQUEST,
            Code::DeadlineExceeded => Status::GATEWAY_TIMEOUT,
            Code::NotFound => Status::NOT_FOUND,
            Code::AlreadyExists | Code::Aborted => Status::CONFLICT,
            Code::PermissionDenied => Status::FORBIDDEN,
            Code::ResourceExhausted => Status::TOO_MANY_REQUESTS,
            Code::Unimplemented => Status::NOT_IMPLEMENTED,
            Code::Unknown | Code::Internal | Code::DataLoss => Status::INTERNAL_SERVER_ERROR,
            Code::Unavailable => Status::SERVICE_UNAVAILABLE,
            Code::Unauthenticated => Status::UNAUTHORIZED,
        }
    }

    /// What an HTTP/2 stream that was reset with this error code (RFC 9113 §7) means for the call on it.
    pub const fn of_reset(error_code: u32) -> Code {
        match error_code {
            // NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT.
            0..=4 => Code::Internal,
            // FRAME_SIZE_ERROR, COMPRESSION_ERROR, CONNECT_ERROR.
            6 | 9 | 10 => Code::Internal,
            // REFUSED_STREAM: nothing was done, so it can be tried again.
            7 => Code::Unavailable,
            // CANCEL.
            8 => Code::Cancelled,
            // ENHANCE_YOUR_CALM.
            11 => Code::ResourceExhausted,
            // INADEQUATE_SECURITY.
            12 => Code::PermissionDenied,
            // STREAM_CLOSED, HTTP_1_1_REQUIRED, and those that have no name.
            _ => Code::Unknown,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
