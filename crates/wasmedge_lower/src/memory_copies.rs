//! A short `memory.copy` becomes a few loads and as many stores: the first bytes and the last ones, which overlap where
//! the length is not a round one. All loads come before all stores, so source and target may overlap as before.

use walrus::{
    FunctionBuilder, FunctionId, InstrSeqBuilder, LocalId, MemoryId, Module, ValType,
    ir::{BinaryOp, Call, ExtendedLoad, Instr, InstrLocId, LoadKind, MemArg, MemoryCopy, StoreKind, VisitorMut},
};

use crate::indirect_calls::visit;

/// Longer copies are left to the runtime.
const LONGEST: i32 = 128;

/// Rewrites every `memory.copy` and returns how many there were.
pub fn lower(module: &mut Module) -> usize {
    let Ok(memory) = module.get_memory_id() else { return 0 };
    let old: Vec<FunctionId> = module.funcs.iter_local().map(|(id, _)| id).collect();
    let mut rewrite = Rewrite { memory, function: copy(module, memory), count: 0 };
    for function in old {
        visit(&mut rewrite, module.funcs.get_mut(function).kind.unwrap_local_mut());
    }
    rewrite.count
}

struct Rewrite {
    memory: MemoryId,
    function: FunctionId,
    count: usize,
}

impl VisitorMut for Rewrite {
    fn visit_instr_mut(&mut self, instr: &mut Instr, _: &mut InstrLocId) {
        match instr {
            Instr::MemoryCopy(MemoryCopy { src, dst }) if (*src, *dst) == (self.memory, self.memory) => {
                *instr = Call { func: self.function }.into();
                self.count += 1;
            }
            _ => {}
        }
    }
}

/// The function that takes its place, with the same three parameters.
fn copy(module: &mut Module, memory: MemoryId) -> FunctionId {
    let mut builder = FunctionBuilder::new(&mut module.types, &[ValType::I32; 3], &[]);
    let [target, source, length] = [(); 3].map(|()| module.locals.add(ValType::I32));
    let copy = Copy { memory, target, source, length };

    let mut body = builder.func_body();
    body.local_get(length).i32_const(LONGEST).binop(BinaryOp::I32GtU).if_else(
        None,
        |long| {
            long.local_get(target).local_get(source).local_get(length).memory_copy(memory, memory).return_();
        },
        |_| {},
    );
    for (at_least, pieces) in [(64, 4), (32, 2), (16, 1)] {
        copy.case(&mut body, at_least, &Piece::sixteen_bytes().ends(pieces, &mut module.locals));
    }
    copy.case(&mut body, 8, &Piece::eight_bytes().ends(1, &mut module.locals));
    copy.case(&mut body, 4, &Piece::four_bytes().ends(1, &mut module.locals));
    copy.case(&mut body, 2, &Piece::two_bytes().ends(1, &mut module.locals));
    copy.case(&mut body, 1, &Piece::one_byte().ends(1, &mut module.locals));
    builder.finish(vec![target, source, length], &mut module.funcs)
}

/// How to move some bytes at once.
#[derive(Clone, Copy)]
struct Piece {
    size: u32,
    ty: ValType,
    load: LoadKind,
    store: StoreKind,
}

impl Piece {
    fn sixteen_bytes() -> Piece {
        Piece { size: 16, ty: ValType::V128, load: LoadKind::V128, store: StoreKind::V128 }
    }

    fn eight_bytes() -> Piece {
        let (load, store) = (LoadKind::I64 { atomic: false }, StoreKind::I64 { atomic: false });
        Piece { size: 8, ty: ValType::I64, load, store }
    }

    fn four_bytes() -> Piece {
        let (load, store) = (LoadKind::I32 { atomic: false }, StoreKind::I32 { atomic: false });
        Piece { size: 4, ty: ValType::I32, load, store }
    }

    fn two_bytes() -> Piece {
        let load = LoadKind::I32_16 { kind: ExtendedLoad::ZeroExtend };
        Piece { size: 2, ty: ValType::I32, load, store: StoreKind::I32_16 { atomic: false } }
    }

    fn one_byte() -> Piece {
        let load = LoadKind::I32_8 { kind: ExtendedLoad::ZeroExtend };
        Piece { size: 1, ty: ValType::I32, load, store: StoreKind::I32_8 { atomic: false } }
    }

    /// `count` pieces from the start on and as many up to the end.
    fn ends(self, count: u32, locals: &mut walrus::ModuleLocals) -> Vec<Part> {
        let from_start = (0..count).map(|index| (index * self.size, false));
        let from_end = (1..=count).map(|index| (index * self.size, true));
        let places = from_start.chain(from_end);
        places
            .map(|(distance, from_end)| Part { piece: self, distance, from_end, local: locals.add(self.ty) })
            .collect()
    }
}

/// A piece, where it stands, and where it is kept between load and store.
struct Part {
    piece: Piece,
    distance: u32,
    from_end: bool,
    local: LocalId,
}

struct Copy {
    memory: MemoryId,
    target: LocalId,
    source: LocalId,
    length: LocalId,
}

impl Copy {
    /// If there are `at_least` so many bytes: moves the parts, which cover them, and is done.
    fn case(&self, body: &mut InstrSeqBuilder, at_least: i32, parts: &[Part]) {
        body.local_get(self.length).i32_const(at_least).binop(BinaryOp::I32GeU).if_else(
            None,
            |case| {
                for part in parts {
                    let place = self.address(case, self.source, part);
                    case.load(self.memory, part.piece.load, place).local_set(part.local);
                }
                for part in parts {
                    let place = self.address(case, self.target, part);
                    case.local_get(part.local).store(self.memory, part.piece.store, place);
                }
                case.return_();
            },
            |_| {},
        );
    }

    fn address(&self, case: &mut InstrSeqBuilder, start: LocalId, part: &Part) -> MemArg {
        case.local_get(start);
        if part.from_end {
            case.local_get(self.length).binop(BinaryOp::I32Add);
            case.i32_const(part.distance as i32).binop(BinaryOp::I32Sub);
            return MemArg { align: 1, offset: 0 };
        }
        MemArg { align: 1, offset: part.distance.into() }
    }
}
