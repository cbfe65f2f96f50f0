//! `call_indirect` looks a function up in a table. That table never changes in a module that neither exports it nor
//! writes to it, as Rust's never do; so each call can be a call of a function that goes by the index, with a jump
//! table, to direct calls of the functions that have the right type. All other indices are a trap, as they were.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use walrus::{
    ConstExpr, ElementItems, ElementKind, FunctionBuilder, FunctionId, InstrSeqBuilder, LocalFunction, LocalId, Module,
    TableId, TypeId, ValType,
    ir::{BinaryOp, Block, BrTable, Call, CallIndirect, Instr, InstrLocId, InstrSeqId, Value, VisitorMut},
};

/// Rewrites every `call_indirect` and returns how many there were.
///
/// # Errors
/// When the table could change while the module runs.
pub fn lower(module: &mut Module) -> anyhow::Result<usize> {
    let Some(table) = module.tables.main_function_table()? else { return Ok(0) };
    let entries = entries(module, table).context("the table of functions is not fixed")?;
    let mut by_type: BTreeMap<TypeId, Vec<(u32, FunctionId)>> = BTreeMap::new();
    for (index, function) in entries {
        by_type.entry(module.funcs.get(function).ty()).or_default().push((index, function));
    }

    let old: Vec<FunctionId> = module.funcs.iter_local().map(|(id, _)| id).collect();
    let mut rewrite = Rewrite { table, dispatchers: HashMap::new(), count: 0 };
    for (ty, functions) in by_type {
        rewrite.dispatchers.insert(ty, dispatcher(module, ty, &functions));
    }
    for function in old {
        visit(&mut rewrite, module.funcs.get_mut(function).kind.unwrap_local_mut());
    }
    Ok(rewrite.count)
}

/// Calls `visitor` for each instruction of a function.
pub fn visit(visitor: &mut impl VisitorMut, function: &mut LocalFunction) {
    let start = function.entry_block();
    walrus::ir::dfs_pre_order_mut(visitor, function, start);
}

/// The functions in the table, by their index; None if they can change.
fn entries(module: &Module, table: TableId) -> Option<BTreeMap<u32, FunctionId>> {
    let is_table = |export: &walrus::Export| matches!(export.item, walrus::ExportItem::Table(id) if id == table);
    if module.tables.get(table).import.is_some() || module.exports.iter().any(is_table) {
        return None;
    }
    let mut entries = BTreeMap::new();
    for element in module.elements.iter() {
        match (&element.kind, &element.items) {
            (
                ElementKind::Active { table: of, offset: ConstExpr::Value(Value::I32(offset)) },
                ElementItems::Functions(functions),
            ) if *of == table => entries.extend(((*offset as u32)..).zip(functions.iter().copied())),
            (ElementKind::Declared, _) => {}
            _ => return None,
        }
    }
    let mut writes = Writes(false);
    for (_, function) in module.funcs.iter_local() {
        walrus::ir::dfs_in_order(&mut writes, function, function.entry_block());
    }
    (!writes.0).then_some(entries)
}

/// Whether there is an instruction that writes to a table.
struct Writes(bool);

impl<'a> walrus::ir::Visitor<'a> for Writes {
    fn visit_instr(&mut self, instr: &'a Instr, _: &'a InstrLocId) {
        self.0 |= matches!(
            instr,
            Instr::TableSet(_) | Instr::TableGrow(_) | Instr::TableFill(_) | Instr::TableCopy(_) | Instr::TableInit(_)
        );
    }
}

struct Rewrite {
    table: TableId,
    dispatchers: HashMap<TypeId, FunctionId>,
    count: usize,
}

impl VisitorMut for Rewrite {
    fn visit_instr_mut(&mut self, instr: &mut Instr, _: &mut InstrLocId) {
        let Instr::CallIndirect(CallIndirect { ty, table }) = instr else { return };
        if let Some(dispatcher) = self.dispatchers.get(ty).filter(|_| *table == self.table) {
            *instr = Call { func: *dispatcher }.into();
            self.count += 1;
        }
    }
}

/// A function with the parameters of `ty` and an index after them, which calls the one of `functions` at that index:
/// nested blocks, innermost first, each followed by its call; a jump out of the innermost selects one.
fn dispatcher(module: &mut Module, ty: TypeId, functions: &[(u32, FunctionId)]) -> FunctionId {
    let ty = module.types.get(ty);
    let (mut parameters, results) = (ty.params().to_vec(), ty.results().to_vec());
    parameters.push(ValType::I32);
    let mut builder = FunctionBuilder::new(&mut module.types, &parameters, &results);
    let mut locals: Vec<LocalId> = parameters.iter().map(|ty| module.locals.add(*ty)).collect();
    let all = locals.clone();
    let index = locals.pop().expect("the index was pushed above");

    let cases: Vec<InstrSeqId> = functions.iter().map(|_| builder.dangling_instr_seq(None).id()).collect();
    let default = builder.dangling_instr_seq(None).id();
    let first = functions.iter().map(|(index, _)| *index).min().unwrap_or_default();
    let mut blocks = Vec::new();
    for ((index, _), case) in functions.iter().zip(&cases) {
        blocks.resize((index - first) as usize, default);
        blocks.push(*case);
    }
    let innermost = cases.first().copied().unwrap_or(default);
    let mut jump: InstrSeqBuilder = builder.instr_seq(innermost);
    jump.local_get(index).i32_const(first as i32).binop(BinaryOp::I32Sub);
    jump.instr(BrTable { blocks: blocks.into(), default });

    let outer = cases.iter().copied().skip(1).chain([default]);
    for (((_, function), case), outer) in functions.iter().zip(&cases).zip(outer) {
        let mut body = builder.instr_seq(outer);
        body.instr(Block { seq: *case });
        for local in &locals {
            body.local_get(*local);
        }
        body.call(*function).return_();
    }
    builder.func_body().instr(Block { seq: default }).unreachable();
    builder.finish(all, &mut module.funcs)
}
