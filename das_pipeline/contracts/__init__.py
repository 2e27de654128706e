"""What stewards do with contracts and the other files of a jurisdiction, beside running them: schemas, drafts, exports, differences."""
