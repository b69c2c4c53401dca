//! LiteRT's C interface, as much as it takes to load a model and run it on the processor.
//!
//! `libLiteRt.so` is loaded when the first model needs it, so that a build of it runs on machines
//! without the library as long as no bundle asks for it. The environment variable
//! [`LIBRARY_VARIABLE`] names the file; without it, the system's loader searches its folders.
//!
//! The declarations are those of `litert/c/*.h` of LiteRT 2.1.4, whose functions have the symbol version
//! `VERS_1.0` and whose structures the headers call stable. Nothing of them is seen outside this file.

#![expect(unsafe_code, reason = "a C library can be called in no other way; each call states what makes it sound")]

use std::ffi::{c_int, c_uint, c_void};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::Library;

/// The environment variable that names `libLiteRt.so`.
pub(crate) const LIBRARY_VARIABLE: &str = "PILAH_LITERT";

/// What the system's loader searches for.
const LIBRARY: &str = if cfg!(windows) { "LiteRt.dll" } else { "libLiteRt.so" };

const CPU: c_int = 1;
const HOST_MEMORY: c_uint = 1;
const READ: c_uint = 0;
const WRITE: c_uint = 1;
const PER_TENSOR: c_uint = 1;

type Status = c_uint;
type Handle = *mut c_void;

/// `LiteRtRankedTensorType`: the element's type, then `LiteRtLayout`.
#[repr(C)]
#[derive(Clone, Copy)]
struct RankedTensorType {
    element: c_uint,
    /// The lower seven bits.
    rank: u8,
    dimensions: [i32; 8],
    strides: [u32; 8],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PerTensor {
    scale: f32,
    zero_point: i64,
}

/// Declares the functions that are used, and how they are found.
macro_rules! functions {
    ($($field:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        struct Api {
            $($field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// Behind the functions, which point into it.
            _library: Library,
        }

        impl Api {
            fn find(library: Library) -> Result<Self, libloading::Error> {
                // SAFETY: the types are those of the library's own headers.
                unsafe { Ok(Self { $($field: *library.get(concat!($symbol, "\0").as_bytes())?,)* _library: library }) }
            }
        }
    };
}

functions! {
    create_environment = "LiteRtCreateEnvironment": fn(c_int, *const c_void, *mut Handle) -> Status;
    destroy_environment = "LiteRtDestroyEnvironment": fn(Handle);
    create_options = "LiteRtCreateOptions": fn(*mut Handle) -> Status;
    set_accelerators = "LiteRtSetOptionsHardwareAccelerators": fn(Handle, c_int) -> Status;
    destroy_options = "LiteRtDestroyOptions": fn(Handle);
    create_model = "LiteRtCreateModelFromBuffer": fn(*const c_void, usize, *mut Handle) -> Status;
    destroy_model = "LiteRtDestroyModel": fn(Handle);
    get_signature = "LiteRtGetModelSignature": fn(Handle, usize, *mut Handle) -> Status;
    count_inputs = "LiteRtGetNumSignatureInputs": fn(Handle, *mut usize) -> Status;
    count_outputs = "LiteRtGetNumSignatureOutputs": fn(Handle, *mut usize) -> Status;
    get_input = "LiteRtGetSignatureInputTensorByIndex": fn(Handle, usize, *mut Handle) -> Status;
    get_output = "LiteRtGetSignatureOutputTensorByIndex": fn(Handle, usize, *mut Handle) -> Status;
    get_type = "LiteRtGetRankedTensorType": fn(Handle, *mut RankedTensorType) -> Status;
    get_quantization = "LiteRtGetQuantizationTypeId": fn(Handle, *mut c_uint) -> Status;
    get_per_tensor = "LiteRtGetPerTensorQuantization": fn(Handle, *mut PerTensor) -> Status;
    compile = "LiteRtCreateCompiledModel": fn(Handle, Handle, Handle, *mut Handle) -> Status;
    destroy_compiled = "LiteRtDestroyCompiledModel": fn(Handle);
    create_buffer = "LiteRtCreateManagedTensorBuffer":
        fn(Handle, c_uint, *const RankedTensorType, usize, *mut Handle) -> Status;
    destroy_buffer = "LiteRtDestroyTensorBuffer": fn(Handle);
    buffer_size = "LiteRtGetTensorBufferSize": fn(Handle, *mut usize) -> Status;
    lock = "LiteRtLockTensorBuffer": fn(Handle, *mut *mut c_void, c_uint) -> Status;
    unlock = "LiteRtUnlockTensorBuffer": fn(Handle) -> Status;
    run = "LiteRtRunCompiledModel": fn(Handle, usize, usize, *mut Handle, usize, *mut Handle) -> Status;
}

/// The library, loaded once and for good.
fn api() -> Result<&'static Api, String> {
    static API: OnceLock<Result<Api, String>> = OnceLock::new();
    let load = || {
        let named = std::env::var_os(LIBRARY_VARIABLE).filter(|name| !name.is_empty());
        let name = named.unwrap_or_else(|| LIBRARY.into());
        let advice = |error: libloading::Error| {
            format!(
                "it is a TFLite file, and LiteRT is not there: {}; {LIBRARY_VARIABLE} names libLiteRt.so, which is \
                 part of the Python package ai-edge-litert 2.1.4",
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
            )
        };
        // SAFETY: LiteRT's initialisers are those of an ordinary C++ library.
        let library = unsafe { Library::new(name) }.map_err(advice)?;
        Api::find(library).map_err(advice)
    };
    API.get_or_init(load).as_ref().map_err(Clone::clone)
}

/// A handle and the function that ends it.
struct Owned {
    handle: NonNull<c_void>,
    end: unsafe extern "C" fn(Handle),
}

impl Owned {
    /// Takes what `create` leaves behind the pointer.
    fn create(
        what: &str,
        end: unsafe extern "C" fn(Handle),
        create: impl FnOnce(*mut Handle) -> Status,
    ) -> Result<Self, String> {
        let mut handle = ptr::null_mut();
        check(what, create(&mut handle))?;
        let handle = NonNull::new(handle).ok_or_else(|| format!("LiteRT gave nothing for {what}"))?;
        Ok(Self { handle, end })
    }

    fn get(&self) -> Handle {
        self.handle.as_ptr()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle is the one that was created, and it is not used again.
        unsafe { (self.end)(self.handle.as_ptr()) }
    }
}

/// The numbers' type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    U8,
    I8,
}

/// What a tensor holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    /// Of integers: the real value is (x − `zero`) × `scale`.
    pub(super) scale: f32,
    pub(super) zero: i64,
}

impl Tensor {
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn bytes(&self) -> usize {
        self.len() * if self.element == Element::F32 { 4 } else { 1 }
    }
}

/// A model with one input and one output, ready to run. Each handle ends before what it was made of: the
/// fields are in that order.
pub(super) struct Model {
    /// A run needs both buffers for itself.
    buffers: Mutex<[Owned; 2]>,
    compiled: Owned,
    _model: Owned,
    _options: Owned,
    _environment: Owned,
    /// The model points into them.
    _bytes: Box<[u8]>,
    api: &'static Api,
    input: Tensor,
    output: Tensor,
}

// SAFETY: LiteRT's objects belong to no thread. What may be used by one thread at a time only, the buffers
// and a run with them, is behind the lock; all else is not changed after it was made.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

impl Model {
    /// Loads a TFLite file and prepares it for the processor.
    pub(super) fn load(bytes: &[u8]) -> Result<Self, String> {
        let api = api()?;
        let bytes: Box<[u8]> = bytes.into();
        // SAFETY, of all calls here: the handles are alive, and the places for results are ours.
        let environment = Owned::create("an environment", api.destroy_environment, |handle| unsafe {
            (api.create_environment)(0, ptr::null(), handle)
        })?;
        let options = Owned::create("options", api.destroy_options, |handle| unsafe { (api.create_options)(handle) })?;
        check("the processor", unsafe { (api.set_accelerators)(options.get(), CPU) })?;
        // The bytes stay where they are for as long as the model does.
        let model = Owned::create("the file", api.destroy_model, |handle| unsafe {
            (api.create_model)(bytes.as_ptr().cast(), bytes.len(), handle)
        })?;
        let (input, output) = interface(api, &model)?;
        let compiled = Owned::create("the network", api.destroy_compiled, |handle| unsafe {
            (api.compile)(environment.get(), model.get(), options.get(), handle)
        })?;
        let buffer = |of: &(Tensor, RankedTensorType)| -> Result<Owned, String> {
            let bytes = of.0.bytes();
            let buffer = Owned::create("a buffer", api.destroy_buffer, |handle| unsafe {
                (api.create_buffer)(environment.get(), HOST_MEMORY, &of.1, bytes, handle)
            })?;
            let mut size = 0;
            check("a buffer's size", unsafe { (api.buffer_size)(buffer.get(), &mut size) })?;
            if size < bytes { Err(format!("LiteRT gave {size} bytes in place of {bytes}")) } else { Ok(buffer) }
        };
        let buffers = Mutex::new([buffer(&input)?, buffer(&output)?]);
        Ok(Self {
            buffers,
            compiled,
            _model: model,
            _options: options,
            _environment: environment,
            _bytes: bytes,
            api,
            input: input.0,
            output: output.0,
        })
    }

    pub(super) fn input(&self) -> &Tensor {
        &self.input
    }

    pub(super) fn output(&self) -> &Tensor {
        &self.output
    }

    /// Runs the network: `fill` writes the bytes of the input, `read` reads those of the output.
    pub(super) fn run<T>(&self, fill: impl FnOnce(&mut [u8]), read: impl FnOnce(&[u8]) -> T) -> Result<T, String> {
        let api = self.api;
        let buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let [input, output] = [buffers[0].get(), buffers[1].get()];
        self.locked(input, WRITE, |bytes| {
            // SAFETY: LiteRT gives a locked buffer of at least so many bytes, which was checked when it was
            // made, and nobody else has it.
            fill(unsafe { std::slice::from_raw_parts_mut(bytes.cast(), self.input.bytes()) });
        })?;
        let (mut inputs, mut outputs) = ([input], [output]);
        // SAFETY: both lists hold one live buffer of the size that the network wants.
        let status = unsafe {
            (api.run)(self.compiled.get(), 0, inputs.len(), inputs.as_mut_ptr(), outputs.len(), outputs.as_mut_ptr())
        };
        check("a run", status)?;
        // SAFETY: as above.
        self.locked(output, READ, |bytes| {
            read(unsafe { std::slice::from_raw_parts(bytes.cast(), self.output.bytes()) })
        })
    }

    fn locked<T>(&self, buffer: Handle, mode: c_uint, work: impl FnOnce(*mut c_void) -> T) -> Result<T, String> {
        let mut bytes = ptr::null_mut();
        // SAFETY: the buffer is alive, and nobody else has it: the caller holds the lock.
        check("a buffer", unsafe { (self.api.lock)(buffer, &mut bytes, mode) })?;
        if bytes.is_null() {
            return Err("LiteRT gave a buffer without bytes".into());
        }
        let done = work(bytes);
        // SAFETY: it was locked above; its bytes are not used any more.
        check("a buffer", unsafe { (self.api.unlock)(buffer) })?;
        Ok(done)
    }
}

type Described = (Tensor, RankedTensorType);

/// The one input and the one output of a model's first signature.
fn interface(api: &Api, model: &Owned) -> Result<(Described, Described), String> {
    let mut signature = ptr::null_mut();
    let (mut inputs, mut outputs) = (0, 0);
    // SAFETY, of all calls here: the model is alive, and so is what it gives, for as long as it is.
    check("the interface", unsafe { (api.get_signature)(model.get(), 0, &mut signature) })?;
    check("the inputs", unsafe { (api.count_inputs)(signature, &mut inputs) })?;
    check("the outputs", unsafe { (api.count_outputs)(signature, &mut outputs) })?;
    if (inputs, outputs) != (1, 1) {
        return Err(format!("it has {inputs} inputs and {outputs} outputs in place of one each"));
    }
    let (mut input, mut output) = (ptr::null_mut(), ptr::null_mut());
    check("the input", unsafe { (api.get_input)(signature, 0, &mut input) })?;
    check("the output", unsafe { (api.get_output)(signature, 0, &mut output) })?;
    Ok((describe(api, "input", input)?, describe(api, "output", output)?))
}

fn describe(api: &Api, which: &str, tensor: Handle) -> Result<Described, String> {
    let mut ranked = RankedTensorType { element: 0, rank: 0, dimensions: [0; 8], strides: [0; 8] };
    // SAFETY, of all calls here: the tensor is its live model's, and the places for results are ours.
    check(which, unsafe { (api.get_type)(tensor, &mut ranked) })?;
    let element = match ranked.element {
        1 => Element::F32,
        3 => Element::U8,
        9 => Element::I8,
        other => return Err(format!("its {which} is of LiteRT's type {other}: neither float32, uint8 nor int8")),
    };
    let rank = usize::from(ranked.rank & 0x7f);
    let sides = ranked.dimensions.get(..rank).ok_or_else(|| format!("its {which} has {rank} dimensions"))?;
    let shape: Option<Vec<usize>> = sides.iter().map(|side| usize::try_from(*side).ok().filter(|s| *s > 0)).collect();
    let shape = shape.ok_or_else(|| format!("its {which} is {sides:?}, not of a known size"))?;
    let mut values = PerTensor { scale: 1.0, zero_point: 0 };
    if element != Element::F32 {
        let mut kind = 0;
        check(which, unsafe { (api.get_quantization)(tensor, &mut kind) })?;
        if kind != PER_TENSOR {
            return Err(format!("its {which} has integers without one scale for all"));
        }
        check(which, unsafe { (api.get_per_tensor)(tensor, &mut values) })?;
        if !(values.scale.is_finite() && values.scale > 0.0) {
            return Err(format!("its {which} has the scale {}", values.scale));
        }
    }
    // The buffers are dense, whatever the file says of strides.
    ranked.rank &= 0x7f;
    Ok((Tensor { element, shape, scale: values.scale, zero: values.zero_point }, ranked))
}

fn check(what: &str, status: Status) -> Result<(), String> {
    if status == 0 { Ok(()) } else { Err(format!("LiteRT refuses {what} with status {status}")) }
}
